import type { IncomingHttpHeaders } from 'node:http';
import type { ParsedMail } from '../mail/parsed-mail.ts';
import { parseJson } from '../openapi/bounded-json.ts';
import type { ErrorClass } from '../openapi/error-class.ts';

/** The URL of an account's webhooks; null without a public URL. */
export function webhookUrlOf(publicUrl: string | null, account: string): string | null {
  return publicUrl === null ? null : `${publicUrl}/api/webhooks/${account}`;
}

export interface WebhookRequest {
  headers: IncomingHttpHeaders;
  /** The target of the request as received: path and query. */
  target: string;
  /** The public URL of the service, which may end with a path; null if it is not configured. */
  publicUrl: string | null;
  /** Reads the body, within the limit of bodies that are not verified yet. */
  readBody: () => Promise<Buffer>;
}

/** Many more than any provider sends: a form is read before its signature is verified. */
const MAX_PARAMETERS = 1_000;
const AMPERSAND = '&'.charCodeAt(0);

/** A webhook of a provider. Verification and parsing use the same values. */
export class IncomingWebhook {
  readonly headers: IncomingHttpHeaders;
  /** The URL that the provider called: the public URL and the target, without any change; null without a public URL. */
  readonly url: string | null;
  /** The path and query as received. */
  readonly target: string;
  readonly #readBody: () => Promise<Buffer>;
  #body: Promise<Buffer> | undefined;
  #form: Promise<URLSearchParams | null> | undefined;

  constructor({ headers, target, publicUrl, readBody }: WebhookRequest) {
    this.headers = headers;
    this.url = publicUrl === null ? null : `${publicUrl}${target}`;
    this.target = target;
    this.#readBody = readBody;
  }

  get query(): URLSearchParams {
    const start = this.target.indexOf('?');
    return new URLSearchParams(start === -1 ? '' : this.target.slice(start));
  }

  /** The bytes of the body as received. Before verification, read it only if the headers have the form of a valid signature. */
  body(): Promise<Buffer> {
    this.#body ??= this.#readBody();
    return this.#body;
  }

  /** The value of a JSON body within the limits of the service; null for any other body. */
  async json(): Promise<unknown> {
    const body = await this.body();
    try {
      return parseJson(body).value;
    } catch {
      return null;
    }
  }

  /** The parameters of a form; null for a body of another type, or with more than `MAX_PARAMETERS`. */
  form(): Promise<URLSearchParams | null> {
    this.#form ??= this.#readForm();
    return this.#form;
  }

  async #readForm(): Promise<URLSearchParams | null> {
    const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(this.headers['content-type'] ?? '');
    if (!isForm) return null;
    const body = await this.body();
    return hasMoreThan(MAX_PARAMETERS, body) ? null : new URLSearchParams(body.toString('utf8'));
  }
}

/** Whether a form has more parameters. The check takes much less time than to read them. */
function hasMoreThan(parameters: number, body: Buffer): boolean {
  let separator = -1;
  for (let count = 1; count <= parameters; count++) {
    separator = body.indexOf(AMPERSAND, separator + 1);
    if (separator === -1) return false;
  }
  return true;
}

/** What a webhook contains. Values are as the provider gave them; the service reads what it can and keeps the payload. */
export interface WebhookContent {
  messages: InboundContent[];
  receipts: ReceiptContent[];
  optOuts: OptOutContent[];
  /** A line for the operator, who may have to act. */
  notice?: string;
}

export interface InboundContent {
  /** The provider's id: a repeated id is the same message. */
  providerMessageId: string;
  type?: unknown;
  from: unknown;
  to: unknown;
  cc?: unknown;
  subject?: unknown;
  body: unknown;
  /** URLs. */
  attachments: unknown;
  /** The types and names that the provider declares, in the order of the attachments. A file's own type and name take precedence. */
  files?: readonly DeclaredFile[];
  /** RFC 3339, RFC 5322 or Unix time; default: now. */
  timestamp?: unknown;
  /**
   * Of a message that the provider delivers once for each of our numbers, each time with another id: the copies become one
   * message. The key is the same in all copies, and `recipient` is the number that this copy is for.
   */
  copy?: { key: string; recipient: unknown };
  /** Of an email that is read whole: the other fields, except `providerMessageId` and `payload`, come from it. */
  mail?: InboundMail;
  /** The parts of any other email beside its body, as the provider gave them. */
  email?: InboundEmailParts;
  payload: unknown;
}

/** Message ids have angle brackets or not. */
export interface InboundEmailParts {
  /** `text` or `html`; any other value: HTML if the body has a tag. */
  bodyType?: unknown;
  /** The plain text beside a body of HTML. */
  text?: unknown;
  /** An object. */
  headers?: unknown;
  messageId?: unknown;
  inReplyTo?: unknown;
  references?: unknown;
}

/** An inbound email as the provider delivered it. */
export interface InboundMail {
  /** The whole email as its sender's server sent it (RFC 5322), or the parts that the provider has parsed. */
  content: { raw: Buffer } | { parsed: ParsedMail };
  /** The envelope (SMTP): null for a null return path, undefined if the provider does not report it. */
  envelopeFrom?: string | null | undefined;
  envelopeTo: readonly string[];
  /** What the provider reports about spam; null if it reports nothing. */
  spam: { score: number | null; flagged: boolean | null } | null;
  /** The reply without the quoted email, if the provider reports it. */
  strippedText?: string | null;
}

export interface DeclaredFile {
  contentType?: unknown;
  name?: unknown;
}

export interface ReceiptContent {
  /** The provider's id of the message, or its id for one recipient; null if the receipt has only an echo. */
  providerMessageId: string | null;
  /** The echo of the send (`echo.ts`), which finds a message whose provider id is not known yet; null for none. */
  echo: string | null;
  /** The address of the recipient that the receipt is about; default: all recipients, or one if `ofOne`. */
  recipient?: unknown;
  /** Of a kind whose receipts are each about one recipient: without its address, a receipt changes nobody of several recipients. */
  ofOne?: true;
  /** The provider's own key of the receipt: a repeated key is the same receipt. Default: id, recipient and status. */
  dedupeKey?: string;
  /** A status of docs/states.md, or any other word of the provider, which changes nothing. */
  status: unknown;
  /** Of a bounced email: `hard` if the address will never accept an email. */
  bounce?: unknown;
  /** The Message-ID of the email on the wire, without angle brackets, if the provider reports it. */
  wireMessageId?: string;
  error?: unknown;
  /** What the error means; default: `provider_error`. */
  errorClass?: ErrorClass;
  /** The provider's page about the error. */
  errorUrl?: string;
  timestamp?: unknown;
  payload: unknown;
}

/** A recipient's request to receive no more messages (`stop`), to receive messages again (`start`), or for information. */
export interface OptOutContent {
  action: 'stop' | 'start' | 'help';
  /** The address of the recipient. */
  address: unknown;
  /** The number or name that the recipient wrote to. */
  sender: unknown;
  /** The text by which the recipient asked, if the provider reports it. */
  keyword?: unknown;
  /** The provider's id of the message that reports the request, or of the message that the provider refused. */
  providerMessageId: string;
  /** Whether the provider refused a message of this service, because the recipient had opted out. */
  isRefusal?: boolean;
}

/** The response to a webhook after every effect is committed. */
export interface WebhookResponse {
  status: 200;
  contentType: string;
  body: string;
}
