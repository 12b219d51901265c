import type { Channel } from '../channel.ts';
import type { KindConfig, Specs } from '../config/accounts.ts';
import type { AccountConfig } from '../config/config.ts';
import type { ErrorClass } from '../openapi/error-class.ts';
import type { Capabilities } from './capabilities.ts';
import type { LookedUp, Outgoing } from './outgoing.ts';
import type { IncomingWebhook, WebhookContent, WebhookResponse } from './webhook.ts';

interface Failure {
  httpStatus: number | null;
  class: ErrorClass;
  /** The provider's own code, or a code of this service. */
  code: string;
  detail: string;
  /** The provider's page about the code. */
  url?: string;
}

/** The provider's id of a message for one recipient, which receipts of this recipient have. */
export interface RecipientId {
  address: string;
  providerMessageId: string;
}

/** A recipient whom the provider refused in a call that it accepted for other recipients. */
export interface RefusedRecipient extends Failure {
  address: string;
  /** `unavailable`: the next attempt is made for these recipients only. */
  outcome: 'rejected' | 'unavailable';
}

/** The provider accepted the message, for all recipients of the call except those in `refused`. */
interface Accepted {
  outcome: 'accepted';
  httpStatus: number | null;
  providerMessageId: string;
  recipients?: RecipientId[];
  refused?: RefusedRecipient[];
  /** The Message-ID by which the provider replaced that of the email, without angle brackets. */
  wireMessageId?: string;
}

/** The outcome of an attempt, which alone determines the next state of the delivery. */
export type SendOutcome =
  | Accepted
  /** The message is at fault; another attempt would fail in the same way. */
  | (Failure & { outcome: 'rejected' })
  /** The provider limits the rate; the message was not accepted. */
  | (Failure & { outcome: 'throttled'; retryAfterMs: number | null })
  /**
   * The message was certainly not processed: the request was not sent, or the response says so. An operator error is the
   * credentials, the registration, the credit, the URL or a certificate: every message fails until the operator acts.
   */
  | (Failure & { outcome: 'unavailable'; retryAfterMs: number | null; isOperatorError: boolean })
  /**
   * The message may have been accepted. `isLookUpFailure`: the look-up of an earlier attempt failed and is repeated. `isFinal`: no
   * further attempt can find out.
   */
  | (Failure & { outcome: 'unknown'; isLookUpFailure?: true; isFinal?: true });

export type FailedOutcome = Exclude<SendOutcome, { outcome: 'accepted' }>;

/**
 * The result of looking a message up. `candidates` are the ids of messages with the same sender, recipient and text, where the
 * provider shows no value of ours: only a single one that is no other message counts as found.
 */
export type LookUp =
  | { found: true; providerMessageId: string; recipients?: RecipientId[]; wireMessageId?: string }
  | { found: false }
  | { candidates: string[] }
  /** The look-up itself failed, so that it is repeated. */
  | { failure: FailedOutcome }
  | 'inconclusive';

export interface CallContext {
  /** Makes one request only; otherwise a call may repeat its request after a short delay. */
  once: boolean;
  /** Whether an earlier attempt may have been accepted, so that the provider may still process its request. */
  mayHaveBeenAccepted: boolean;
  /** The URL of the account's webhooks, for callbacks; null without a public URL. */
  webhookUrl: string | null;
  /** Called before a call repeats its request to send: false if a recipient has become suppressed, which ends the call. */
  mayContinue: () => Promise<boolean>;
  /** Aborts the call; the outcome of a request that was sent is `unknown` then. */
  signal: AbortSignal;
}

export type CheckContext = Pick<CallContext, 'once' | 'signal'>;

/** The result of one check of an account, as one line for an operator. */
export interface AccountCheck {
  /** `warning`: the check failed in a way that does not show a wrong setting. */
  result: 'ok' | 'warning' | 'fault';
  /** Contains no secrets. */
  text: string;
}

/** `absent`: the webhook has no signature. */
export type Verification = 'valid' | 'invalid' | 'absent';

/** The webhooks of inbound email, which a provider posts to a URL of their own (`/api/webhooks/<account>/inbound`). */
export interface InboundWebhooks {
  /** The headers of a webhook that `parse` reads, in lower case. */
  readonly headers: readonly string[];
  /** Max bytes of a webhook. */
  readonly maxBytes: number;
  /** Checks the signature or the credentials of a webhook, before its body is read where these are in the headers. */
  verify(webhook: IncomingWebhook): Promise<Verification>;
  /** Reads a verified webhook; null if it has no form that this kind knows. Its messages have `mail`. */
  parse(webhook: IncomingWebhook): Promise<WebhookContent | null>;
  /** The response to a webhook after it is stored. */
  respond(): WebhookResponse;
}

/** An account at a provider. `send`, `lookUp` and `check` never throw. */
export interface Provider {
  readonly name: string;
  readonly kind: string;
  readonly channel: Channel;
  /** The provider simulator of this process. */
  readonly isSimulated: boolean;
  readonly capabilities: Capabilities;
  /** Addresses and domains in lower case; null if the account has every sender. */
  readonly senders: ReadonlySet<string> | null;
  /** Whether the service replies to keywords; null: where `answersOptOuts` is false. */
  readonly consentReplies: boolean | null;
  /** Max messages per second, for all workers together; null for no limit. */
  readonly perSecond: number | null;
  /** Max messages per second for each sender number or address; null for no limit. */
  readonly perSecondPerSender: number | null;
  /**
   * `direct`: a webhook is answered after its effects are committed. `inbox`: a webhook is stored and answered, and the worker
   * processes it, for kinds whose webhooks need fetching or heavy parsing.
   */
  readonly webhookProcessing: 'direct' | 'inbox';
  /**
   * Whether the provider may send a genuine webhook without its signature by a fault of its own, and repeats a webhook after a
   * 503: an unsigned webhook is answered with 503, so that the repeated and signed webhook is received. Default: 401.
   */
  readonly repeatsUnsigned?: boolean;
  /** The headers of a webhook that `parse` reads, in lower case, besides those of every stored webhook (`webhooks/inbox/inbox.ts`). */
  readonly webhookHeaders?: readonly string[];
  /** Max duration of one attempt in milliseconds, with its short repeats and a preceding look-up. */
  readonly longestAttemptMs: number;
  /** The same for an email with files or a large text, whose upload takes time of its own (`upload-time.ts`). Default: `longestAttemptMs`. */
  readonly longestLargeAttemptMs?: number;
  /**
   * The origin of the configured URL, which the operator trusts: media may be fetched from it also by http and from a private
   * address.
   */
  readonly origin: string;
  /**
   * The headers with the credentials to fetch a file of an inbound message; null for a URL that must not get credentials. A URL
   * gets credentials only if the provider documents its path, at a documented host or below the configured URL. For a kind without
   * documented paths, it gets credentials if it has the origin of the configured URL.
   */
  mediaHeaders(url: URL): Record<string, string> | null;
  /** Whether the provider itself replies to STOP, START and HELP that are sent to this number or name. */
  answersOptOuts(sender: string): boolean;
  send(message: Outgoing, context: CallContext): Promise<SendOutcome>;
  lookUp(message: LookedUp, context: CallContext): Promise<LookUp>;
  /**
   * How long after a call a look-up may not find its message yet, in milliseconds: until then, a message that is not found may have
   * been accepted. Default: 0.
   */
  readonly lookUpLagMs?: number;
  /** Checks the credentials by requests without effects; absent if the account has no such request. */
  check?(context: CheckContext): Promise<AccountCheck[]>;
  /** Checks the signature of a webhook. Without a configured secret, every webhook is valid. */
  verify(webhook: IncomingWebhook): Promise<Verification>;
  /** Reads a verified webhook; null if it has no form that this kind knows. */
  parse(webhook: IncomingWebhook): Promise<WebhookContent | null>;
  /** The response to a webhook after its effects are committed. */
  respond(): WebhookResponse;
  /** Absent for a kind that posts no inbound email to a URL of its own. */
  readonly inbound?: InboundWebhooks;
}

/** A kind of provider. `docs/providers/adding-one.md` describes how to add a kind. */
export interface Kind<Settings = unknown> {
  config: KindConfig<Specs, Settings>;
  /** @param timeoutMs the timeout of one request, in milliseconds. */
  create(account: AccountConfig<Settings>, timeoutMs: number): Provider;
  /** The settings by their labels, for operators, without secrets. `<NAME>` stands for the prefix of the account's variables. */
  describe(settings: Settings): Record<string, string>;
  /** What to configure at the provider for the URL of the webhooks, with `<NAME>` too; null for a kind without webhooks. */
  webhookSetup: string | null;
  /** The emails that only a mail server passes on, to `/api/webhooks/mime`; absent for a kind whose webhooks have every email. */
  fromMailServer?: 'replies' | 'replies and bounces';
}
