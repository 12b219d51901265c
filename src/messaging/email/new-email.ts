import type { Model } from 'objection';
import type { Email } from '../../db/models/email.ts';
import type { Fault } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';
import type { AddressParser } from '../address.ts';
import type { EmailContent } from './content.ts';
import { displayNames } from './names.ts';
import { headerFaults, headerTextFault } from './rules.ts';
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
  unsubscribe_key: null,
};

/** An email with the given parts only. */
export function newEmail(parts: Partial<NewEmail>): NewEmail {
  return { ...NOTHING, ...parts };
}

type Request = Schema<'UntypedMessage'>;

/** What a request says about the headers of an email. */
export interface EmailHeaders {
  /** The further headers; null for none. */
  headers: Record<string, string> | null;
  /** The display names, by the normalised address; null for none. */
  names: Record<string, string> | null;
}

/** Reads the headers of an email, and adds a fault for each text that cannot be in a header. */
export function readEmailHeaders(parse: AddressParser, request: Request, faults: Fault[]): EmailHeaders {
  const { subject, headers = {}, attachments } = request;
  faults.push(...headerTextFault('/body/subject', subject), ...headerFaults(headers));
  for (const [index, attachment] of (attachments ?? []).entries())
    if (typeof attachment !== 'string')
      faults.push(...headerTextFault(`/body/attachments/${index}/filename`, attachment.filename));
  return {
    headers: Object.keys(headers).length > 0 ? headers : null,
    names: displayNames(parse, request, faults),
  };
}

/**
 * The parts of an outbound email. Its Message-ID has the domain of the sender, as RFC 5322, section 3.6.4, recommends.
 *
 * @param sender a normalised address.
 * @param unsubscribe whether the email gets a link to unsubscribe, which `withLink` adds.
 */
export function outboundEmail(
  { isHtml, text }: EmailContent,
  { headers, names }: EmailHeaders,
  repliedTo: number | null,
  { sender, deliveryKey, unsubscribe }: { sender: string; deliveryKey: string; unsubscribe: boolean },
): NewEmail {
  return newEmail({
    is_html: isHtml,
    text,
    headers,
    names,
    internet_message_id: `${deliveryKey}@${sender.slice(sender.lastIndexOf('@') + 1)}`,
    in_reply_to_id: repliedTo,
    unsubscribe_key: unsubscribe ? deliveryKey : null,
  });
}

/** The parts as a response shows them before they are read from the database. */
export function toEmailRow(email: NewEmail): EmailRow {
  return { ...email, wire_message_id: null, raw: null };
}
