import { isAutoReply } from '../../mail/auto-reply.ts';
import { chainOf } from '../../mail/message-ids.ts';
import type { ParsedMail } from '../../mail/parsed-mail.ts';
import { usefulHeaders } from '../../mail/useful-headers.ts';
import type { AddressParser } from '../../messaging/address.ts';
import { newEmail } from '../../messaging/email/new-email.ts';
import { inboundMessage } from '../../messaging/recording/inbound.ts';
import { readRecipients } from '../../messaging/recording/inbound-addresses.ts';
import type { NewMessage } from '../../messaging/recording/new-message.ts';
import { toStorable } from '../../messaging/storable.ts';
import { hasSender } from '../../providers/eligibility.ts';
import type { Provider } from '../../providers/provider.ts';
import type { InboundContent, InboundMail } from '../../providers/webhook.ts';
import { plausibleDate } from './date.ts';
import type { MailMedia } from './files.ts';
import type { ReadEmail } from './reading/read-email.ts';

/** The limit of the column, in bytes; longer ids are of no known mailer. */
const MAX_MESSAGE_ID = 998;

export interface MailMessageOptions {
  parseAddress: AddressParser;
  /** The accounts of the channel email, whose senders are our mailboxes. */
  emailAccounts: readonly Pick<Provider, 'name' | 'senders' | 'capabilities'>[];
}

/** The parts of a message that are known before the files of an email are stored. */
export interface MailParts {
  email: ReadEmail;
  /** The message that the email answers. */
  answered: number | null;
}

/** The message that an email is, without its files. */
export function mailMessage(
  options: MailMessageOptions,
  account: string,
  { mail: envelope, payload }: { mail: InboundMail; payload: InboundContent['payload'] },
  { email: { mail, identity, html, text, strippedText }, answered }: MailParts,
): NewMessage {
  const { parseAddress } = options;
  const message = inboundMessage(parseAddress, 'email', account, {
    ...{ providerMessageId: identity, from: mail.from, cc: mail.cc, subject: mail.subject },
    to: withOwnEnvelope(options, envelope, mail),
    ...{
      body: html ?? text ?? '',
      attachments: null,
      timestamp: plausibleDate(mail.date),
      payload: toStorable(payload),
    },
  });
  const replyTo = readRecipients(parseAddress, 'email', mail.replyTo)[0]?.key ?? null;
  return {
    ...message,
    row: { ...message.row, reply_to: replyTo },
    email: newEmail({
      is_html: html !== null,
      text: html === null ? null : text,
      stripped_text: strippedText,
      headers: usefulHeaders(mail),
      internet_message_id: isStorableId(mail.messageId) ? mail.messageId : null,
      in_reply_to_id: answered,
      reference_ids: chainOf(mail),
      delivered_to: mailboxesOf(options, envelope),
      auto_reply: isAutoReply(mail.headers, envelope.envelopeFrom),
      spam: envelope.spam,
    }),
  };
}

/** The message with the files of the email. */
export function withFiles(message: NewMessage, { media, names, raw }: MailMedia): NewMessage {
  return {
    ...message,
    media: media.length > 0 ? media : null,
    mediaNames: media.length > 0 ? names : null,
    email: message.email && { ...message.email, raw_media_id: raw },
  };
}

/** The recipients of the envelope, normalised; null if the provider reports none. */
export function mailboxesOf(
  { parseAddress }: MailMessageOptions,
  { envelopeTo }: InboundMail,
): string[] | null {
  const keys = readRecipients(parseAddress, 'email', envelopeTo).map(({ key }) => key);
  return keys.length > 0 ? keys : null;
}

/** The recipients in `To` with those of the envelope that take part, which are first where a long `To` is cut. */
function withOwnEnvelope(options: MailMessageOptions, envelope: InboundMail, mail: ParsedMail): string[] {
  const own = ownEnvelope(options, envelope, mail);
  const keysOf = (texts: readonly string[]) =>
    readRecipients(options.parseAddress, 'email', texts).map(({ key }) => key);
  const kept = new Set(keysOf([...mail.to, ...own]));
  return keysOf(own).every((key) => kept.has(key)) ? [...mail.to, ...own] : [...own, ...mail.to];
}

/**
 * The recipients of the envelope, if no recipient in the headers is a mailbox of ours: a blind copy, or an email that was forwarded to
 * us. Otherwise the headers name the people who take part.
 */
function ownEnvelope(
  { parseAddress, emailAccounts }: MailMessageOptions,
  { envelopeTo }: InboundMail,
  { to, cc }: ParsedMail,
): readonly string[] {
  const named = readRecipients(parseAddress, 'email', [...to, ...cc]);
  const isOurs = ({ key }: { key: string }) => emailAccounts.some((account) => hasSender(account, key));
  return named.some(isOurs) ? [] : envelopeTo;
}

function isStorableId(id: string | null): boolean {
  return id !== null && Buffer.byteLength(id) <= MAX_MESSAGE_ID;
}
