import type { Model } from 'objection';
import type { Email } from '../../db/models/email.ts';
import type { Schema } from '../../openapi/types.ts';
import type { EmailContent } from './content.ts';
import type { EmailRow } from './view.ts';

/** The parts of an email that is not recorded yet. */
export type NewEmail = Omit<Email, keyof Model | 'message_id' | 'wire_message_id'>;

const NOTHING: NewEmail = {
  is_html: false,
  text: null,
  stripped_text: null,
  headers: null,
  names: null,
  url_files: null,
  internet_message_id: null,
  in_reply_to_id: null,
  reference_ids: null,
  delivered_to: null,
  auto_reply: null,
  spam: null,
  raw_media_id: null,
};

/** An email with the given parts only. */
export function newEmail(parts: Partial<NewEmail>): NewEmail {
  return { ...NOTHING, ...parts };
}

/**
 * The parts of an outbound email. Its Message-ID has the domain of the sender, as RFC 5322, section 3.6.4, recommends.
 *
 * @param sender a normalised address.
 */
export function outboundEmail(
  { isHtml, text }: EmailContent,
  { headers, reply_to_message_id }: Pick<Schema<'UntypedMessage'>, 'headers' | 'reply_to_message_id'>,
  { sender, deliveryKey }: { sender: string; deliveryKey: string },
): NewEmail {
  return newEmail({
    is_html: isHtml,
    text,
    headers: headers && Object.keys(headers).length > 0 ? headers : null,
    internet_message_id: `${deliveryKey}@${sender.slice(sender.lastIndexOf('@') + 1)}`,
    in_reply_to_id: reply_to_message_id ?? null,
  });
}

/** The parts as a response shows them before they are read from the database. */
export function toEmailRow(email: NewEmail): EmailRow {
  return { ...email, wire_message_id: null, raw: null };
}
