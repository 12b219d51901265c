import { hash, randomUUID } from 'node:crypto';
import stringify from 'safe-stable-stringify';
import type { Channel } from '../../channel.ts';
import { type Fault, InvalidRequestError } from '../../errors.ts';
import type { IdempotencyKey, Schema } from '../../openapi/types.ts';
import type { Address, AddressParser } from '../address.ts';
import { type NamedFile, type NewFile, readAttachments } from '../email/attachments.ts';
import { type EmailContent, readEmailContent } from '../email/content.ts';
import { outboundEmail, readEmailHeaders } from '../email/new-email.ts';
import { readUnsubscribe } from '../email/unsubscribe.ts';
import { attachmentFaults, countFiles, textFaults } from '../outbound-rules.ts';
import { countSegments } from '../segments.ts';
import { LAST_TIME, readTime } from '../time.ts';
import { foldRecipients, keysOf, type RequestedAddress, readAddresses } from './address-reader.ts';
import { type NewMessage, participantsOf } from './new-message.ts';

/** The body of a request to send, for all three paths. */
export type SendRequest = Schema<'UntypedMessage'> & { type?: Schema<'MessageType'> };

/** The default and the maximum time until `expires_at`. */
const LIFE_MS = 24 * 60 * 60 * 1_000;
const LONGEST_LIFE_MS = 7 * LIFE_MS;

export interface OutboundOptions {
  /** The channel of the path; undefined if the message itself determines the channel. */
  channel?: Channel;
  key?: IdempotencyKey | undefined;
  /** The name of the API key; null without API keys. */
  actor: string | null;
  traceparent: string | null;
}

/** The parts of a request to send that could be read, and the rules that the request breaks. */
export interface OutboundReading {
  channel: Channel;
  type: Schema<'MessageType'>;
  /** Null if `from` is not a valid address. */
  sender: Address | null;
  to: RequestedAddress[];
  cc: RequestedAddress[];
  bcc: RequestedAddress[];
  purpose: Schema<'SendPurpose'>;
  /** Whether the message gets a link to unsubscribe. */
  unsubscribe: boolean;
  skipSuppressed: boolean;
  content: EmailContent;
  /** The URLs of attachments. */
  urls: string[];
  storedFiles: readonly NamedFile[];
  newFiles: readonly NewFile[];
  /** The id of the email that the message answers. */
  repliedTo: number | null;
  /** Rules that the schema of the contract cannot express. */
  faults: Fault[];
  /** Null if there are faults. */
  message: NewMessage | null;
}

/**
 * An outbound message from a client's request.
 *
 * @throws {InvalidRequestError} if the request breaks rules that the schema of the contract cannot express.
 */
export function outboundMessage(
  parse: AddressParser,
  request: SendRequest,
  options: OutboundOptions,
): NewMessage {
  const { message, faults } = readOutbound(parse, request, options);
  if (message === null) throw new InvalidRequestError(faults);
  return message;
}

/** Reads a client's request to send, also if it breaks rules. */
export function readOutbound(
  parse: AddressParser,
  request: SendRequest,
  options: OutboundOptions,
): OutboundReading {
  const faults: Fault[] = [];
  const addresses = readAddresses(parse, faults);
  const channel = channelOf(request, options.channel);
  const sender = addresses.one('/body/from', request.from);
  // `textFaults` refuses these fields of a text, whatever their values are.
  const given: Pick<SendRequest, 'cc' | 'bcc' | 'reply_to'> = channel === 'email' ? request : {};
  const { to, cc, bcc } = foldRecipients({
    to: addresses.many('/body/to', request.to),
    cc: addresses.many('/body/cc', given.cc),
    bcc: addresses.many('/body/bcc', given.bcc),
  });
  const replyTo = given.reply_to === undefined ? null : addresses.one('/body/reply_to', given.reply_to);
  addresses.checkChannel(channel);
  const type = request.type ?? typeOf(channel, request, to);
  const content =
    channel === 'email'
      ? readEmailContent(request, faults)
      : { body: request.body ?? '', isHtml: false, text: null };
  faults.push(...(channel === 'sms' ? textFaults(request, type, sender, to) : []));
  faults.push(...attachmentFaults(request));
  const files = readAttachments(request, faults);
  const headers = channel === 'email' ? readEmailHeaders(parse, request, faults) : null;
  const recipients = [...to, ...cc, ...bcc];
  const unsubscribe = channel === 'email' && readUnsubscribe(request, recipients, faults);
  const timestamp = readTime('/body/timestamp', request.timestamp, faults) ?? new Date();
  const sendAt = readTime('/body/send_at', request.send_at, faults);
  const dueAt = Math.max(Date.now(), sendAt?.getTime() ?? 0);
  const expiresAt = readExpiry(request.expires_at, sendAt, dueAt, faults);
  const {
    purpose = 'conversational',
    skip_suppressed: skipSuppressed = false,
    reply_to_message_id: repliedTo = null,
  } = request;
  const { urls, storedFiles, newFiles } = files;
  const addressed = { channel, type, sender, to, cc, bcc, purpose, unsubscribe, skipSuppressed };
  const reading = { ...addressed, content, urls, storedFiles, newFiles, repliedTo, faults };
  if (faults.length > 0 || !sender) return { ...reading, message: null };
  const deliveryKey = randomUUID();
  const message: NewMessage = {
    channel,
    sender,
    participants: participantsOf([sender, ...to, ...cc]),
    recipients,
    skipSuppressed,
    storedFiles,
    media: null,
    email:
      headers === null
        ? null
        : {
            ...outboundEmail(content, headers, repliedTo, { sender: sender.key, deliveryKey, unsubscribe }),
            url_files: files.urlFiles,
          },
    repliedTo,
    newFiles,
    mediaNames: files.mediaNames,
    idempotency: options.key ? { ...options.key, requestHash: hashOf(channel, request) } : null,
    row: {
      direction: 'outbound',
      type,
      from: sender.key,
      to: keysOf(to),
      cc: cc.length > 0 ? keysOf(cc) : null,
      bcc: bcc.length > 0 ? keysOf(bcc) : null,
      actor: options.actor,
      traceparent: options.traceparent,
      reply_to: replyTo?.key ?? null,
      subject: request.subject ?? null,
      body: content.body,
      attachments: urls,
      metadata: request.metadata ?? {},
      purpose,
      provider: null,
      provider_message_id: null,
      segments: type === 'sms' ? countSegments(content.body) : null,
      timestamp,
      send_at: sendAt,
      expires_at: expiresAt,
      payload: null,
      delivery_key: deliveryKey,
      accounts: null,
    },
  };
  return { ...reading, message };
}

/** Without a type and a fixed channel, the sender determines the channel, also if the sender is not a valid address. */
function channelOf({ type, from }: SendRequest, fixed: Channel | undefined): Channel {
  if (type) return type === 'email' ? 'email' : 'sms';
  return fixed ?? (from.includes('@') ? 'email' : 'sms');
}

function typeOf(channel: Channel, request: SendRequest, to: Address[]): Schema<'MessageType'> {
  if (channel === 'email') return 'email';
  return countFiles(request) > 0 || to.length > 1 ? 'mms' : 'sms';
}

/** A time in the past is valid, because a repeat of a request with the same Idempotency-Key must succeed at any time. */
function readExpiry(input: string | undefined, sendAt: Date | null, dueAt: number, faults: Fault[]): Date {
  const given = readTime('/body/expires_at', input, faults);
  if (given === null) return new Date(Math.min(dueAt + LIFE_MS, LAST_TIME));
  const path = '/body/expires_at';
  if (sendAt && given <= sendAt) faults.push({ path, message: 'must be after send_at' });
  if (given.getTime() > dueAt + LONGEST_LIFE_MS)
    faults.push({ path, message: 'must be at most 7 days after the message is due' });
  return given;
}

/** The hash of a request, which is the same for repeats with the fields in another order. */
function hashOf(channel: Channel, request: SendRequest): string {
  return hash('sha256', channel + stringify(request), 'base64url');
}
