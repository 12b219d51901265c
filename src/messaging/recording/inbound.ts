import type { Channel } from '../../channel.ts';
import type { InboundContent } from '../../providers/webhook.ts';
import type { Address, AddressParser } from '../address.ts';
import { inboundParts } from '../email/inbound-parts.ts';
import { countSegments } from '../segments.ts';
import { toOneLine, truncate } from '../text.ts';
import { foldRecipients, keysOf } from './address-reader.ts';
import { MAX_RECIPIENTS, readRecipients, readSender } from './inbound-addresses.ts';
import { readAttachments, readInboundTime } from './inbound-content.ts';
import { itemsOf, readText } from './inbound-values.ts';
import { type NewMessage, participantsOf } from './new-message.ts';

/** Maximum characters of an inbound subject. A line of an email has at most 998, and a subject may have several lines. */
const MAX_SUBJECT = 10_000;

/**
 * An inbound message from a webhook of the account `provider`. Skips invalid parts of the webhook; `payload` contains the
 * whole webhook. See docs/decisions/inbound-messages.md.
 */
export function inboundMessage(
  parse: AddressParser,
  channel: Channel,
  provider: string,
  content: InboundContent,
): NewMessage {
  const sender = readSender(parse, channel, content.from);
  const { to, cc } = withinLimit(
    foldRecipients({
      to: readRecipients(parse, channel, content.to),
      cc: readRecipients(parse, channel, channel === 'email' ? content.cc : null),
      bcc: [],
    }),
  );
  const type = channel === 'email' ? 'email' : textType(content, to);
  const body = readText(content.body) ?? '';
  const attachments = readAttachments(content);
  return {
    channel,
    sender,
    participants: participantsOf([sender, ...to, ...cc]),
    recipients: [],
    skipSuppressed: false,
    idempotency: null,
    storedFiles: [],
    mediaNames: null,
    media: null,
    repliedTo: null,
    email: channel === 'email' ? inboundParts(content, body) : null,
    attachments,
    row: {
      direction: 'inbound',
      type,
      from: sender.key,
      to: keysOf(to),
      cc: cc.length > 0 ? keysOf(cc) : null,
      bcc: null,
      reply_to: null,
      subject: channel === 'email' ? readSubject(content.subject) : null,
      body,
      attachments: attachments.map(({ url }) => url),
      metadata: {},
      provider,
      provider_message_id: content.providerMessageId,
      segments: type === 'sms' ? countSegments(body) : null,
      timestamp: readInboundTime(content.timestamp) ?? new Date(),
      send_at: null,
      expires_at: null,
      payload: content.payload,
      actor: null,
      purpose: null,
      traceparent: null,
      delivery_key: null,
      accounts: null,
    },
  };
}

function textType({ type, attachments }: InboundContent, to: Address[]): 'sms' | 'mms' {
  const given = readText(type)?.trim().toLowerCase();
  if (given === 'sms' || given === 'mms') return given;
  return itemsOf(attachments).length > 0 || to.length > 1 ? 'mms' : 'sms';
}

function readSubject(subject: unknown): string | null {
  const text = readText(subject);
  return text === null ? null : toOneLine(truncate(text, MAX_SUBJECT));
}

function withinLimit({ to, cc }: Record<'to' | 'cc', Address[]>): Record<'to' | 'cc', Address[]> {
  const shown = to.slice(0, MAX_RECIPIENTS);
  return { to: shown, cc: cc.slice(0, MAX_RECIPIENTS - shown.length) };
}
