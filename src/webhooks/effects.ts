import type { KeyedConfig } from '../config/config.ts';
import { createAddressHash } from '../consent/key.ts';
import { createKeywordMatcher } from '../consent/keywords.ts';
import type { ReceiptRecorder, StoredReceipt } from '../delivery/receipts.ts';
import type { MediaStore } from '../media/store.ts';
import { readMessageIds } from '../messaging/email/inbound-parts.ts';
import { nameSender } from '../messaging/people/sender-name.ts';
import { inboundMessage } from '../messaging/recording/inbound.ts';
import { readReceipt } from '../messaging/recording/inbound-receipt.ts';
import type { NewMessage, Recorded } from '../messaging/recording/new-message.ts';
import type { Reserve } from '../openapi/types.ts';
import type { Provider } from '../providers/provider.ts';
import type { InboundContent, OptOutContent, ReceiptContent } from '../providers/webhook.ts';
import type { WebhookAccount } from '../providers/webhook-account.ts';
import { createCopyResolver } from './copies.ts';
import { createMailRecorder, type RecordMail } from './mail/record-mail.ts';
import { findAnswered } from './mail/thread.ts';
import { type ReplyOptions, replyTo } from './opt-outs/replies.ts';
import { createOptOutRecorder } from './opt-outs/report.ts';
import { type RequestOptions, requestIn, stopIn } from './opt-outs/request.ts';

/** The effects of webhooks. Each resolves after its commit, and a repeated effect changes nothing. */
export interface Effects {
  /** The id of the message that an inbound message is a copy of (`InboundContent.copy`), otherwise its own id. */
  firstIdOf(provider: WebhookAccount, content: InboundContent): Promise<string>;
  /** Records a message with the request of a recipient that it is, and the automatic reply. */
  recordMessage(
    provider: WebhookAccount,
    content: InboundContent,
    reserve: Reserve,
    options?: RecordOptions,
  ): Promise<RecordedMessage>;
  /** Records an email that is read whole. */
  recordMail: RecordMail;
  recordReceipt(provider: WebhookAccount, content: ReceiptContent): Promise<StoredReceipt>;
  /** Records the receipts of one webhook in one transaction. Returns the error of each receipt that cannot be stored. */
  recordReceipts(
    provider: WebhookAccount,
    contents: readonly ReceiptContent[],
  ): Promise<(StoredReceipt | Error)[]>;
  recordOptOut(provider: WebhookAccount, content: OptOutContent): Promise<void>;
  /** The STOP in a message that cannot be recorded; null for any other message. */
  stopIn(provider: WebhookAccount, content: InboundContent): OptOutContent | null;
}

export interface RecordOptions {
  /** The request that the provider recognised in the message. */
  reported?: OptOutContent | undefined;
  /** Throws if the message must not be recorded. */
  check?: (message: NewMessage) => void;
}

export interface RecordedMessage {
  message: Recorded['message'];
  /** Whether the text is a STOP that the provider has recognised as another request, which must not be applied. */
  replacesReport: boolean;
}

export interface EffectsOptions extends ReplyOptions {
  config: KeyedConfig;
  receipts: ReceiptRecorder;
  /** Where the files of emails are stored. */
  store: MediaStore;
  /** The accounts of the channel SMS. */
  accounts: readonly Provider[];
  /** The accounts of the channel email. */
  emailAccounts: readonly Provider[];
}

export function createEffects(options: EffectsOptions): Effects {
  const { config, pool, parseAddress, recorder, receipts, accounts } = options;
  const requests: RequestOptions = {
    ...{ parseAddress, accounts, stopScope: config.stopScope },
    hashAddress: createAddressHash(config.consentKey),
    match: createKeywordMatcher(config.keywords),
  };
  const recordOptOut = createOptOutRecorder(pool, parseAddress, requests);
  const recordReceipt = async (account: string, content: ReceiptContent) =>
    receipts.record(readReceipt(parseAddress, account, content));
  return {
    firstIdOf: createCopyResolver(pool, parseAddress),
    recordMessage: async (provider, content, reserve, { reported, check } = {}) => {
      const { channel, name } = provider;
      const message = await withAnswered(pool, inboundMessage(parseAddress, channel, name, content), content);
      check?.(message);
      const request = requestIn(requests, provider, message, reported);
      const recorded = await recorder.record(
        request ? { ...message, optOut: request.row } : message,
        reserve,
      );
      if (channel === 'email') await nameSender(pool, parseAddress, message, content.from);
      if (request?.reply) await replyTo(options, name, recorded.message, request.reply);
      return { message: recorded.message, replacesReport: request?.replacesReport ?? false };
    },
    recordMail: createMailRecorder({ ...options, recordReceipt }),
    recordReceipt: ({ name }, content) => recordReceipt(name, content),
    recordReceipts: async ({ name }, contents) =>
      receipts.recordAll(contents.map((content) => readReceipt(parseAddress, name, content))),
    recordOptOut: ({ name, channel }, content) => recordOptOut(name, channel, content),
    stopIn: (provider, content) => stopIn(requests, provider, content),
  };
}

/** The message with the message that it answers, of an email whose provider reports its thread. */
async function withAnswered(
  pool: EffectsOptions['pool'],
  message: NewMessage,
  { email }: InboundContent,
): Promise<NewMessage> {
  if (message.email === null || email === undefined) return message;
  const { reference_ids } = message.email;
  const in_reply_to_id = await findAnswered(pool, {
    inReplyTo: readMessageIds(email.inReplyTo),
    ...{ references: reference_ids ?? [], subject: message.row.subject },
  });
  return { ...message, email: { ...message.email, in_reply_to_id } };
}
