import type { Email } from '../../db/models/email.ts';
import type { MediaLinks } from '../../media/links.ts';
import { MEDIA_ROW, type MediaRow, presentMedia } from '../../media/view.ts';
import type { Schema } from '../../openapi/types.ts';
import { withoutLink } from './unsubscribe.ts';

const COLUMNS = [
  'is_html',
  'text',
  'stripped_text',
  'headers',
  'internet_message_id',
  'wire_message_id',
  'in_reply_to_id',
  'delivered_to',
  'auto_reply',
  'spam',
  'unsubscribe_key',
] as const satisfies (keyof Email)[];

/** The parts of an email that responses contain, as JSON of the database has them. */
export type EmailRow = Pick<Email, (typeof COLUMNS)[number]> & {
  /** The email as it arrived; null for an outbound email, and for an inbound one whose provider did not have it. */
  raw: MediaRow | null;
};

/** The fields of a message that only emails have. */
type EmailFields = Pick<
  Schema<'Message'>,
  | 'text'
  | 'html'
  | 'stripped_text'
  | 'headers'
  | 'internet_message_id'
  | 'in_reply_to'
  | 'delivered_to'
  | 'auto_reply'
  | 'spam'
  | 'raw'
  | 'unsubscribe'
>;

/**
 * SQL: the `EmailRow` of a message of a table; null for a text, and for an email of a version without them.
 *
 * @param start SQL of the max characters of a text; default: whole texts.
 */
export function emailOf(table: string, start?: string): string {
  const value = (name: string) =>
    start !== undefined && /text$/.test(name) ? `left(emails.${name}, ${start})` : `emails.${name}`;
  const columns = COLUMNS.map((name) => `'${name}', ${value(name)}`).join(', ');
  return `case when ${table}.type = 'email' then (
    select json_build_object(${columns}, 'raw', (select ${MEDIA_ROW} from media where media.id = emails.raw_media_id))
    from emails where emails.message_id = ${table}.id
  ) end`;
}

/** SQL: the bytes of the parts of an email of a table, and of its body if this is HTML, which a response can have twice. */
export function emailSize(table: string): string {
  return `case when ${table}.type = 'email' then coalesce((
    select 1024 + case when is_html then octet_length(body) else 0 end + coalesce(octet_length(text), 0)
      + coalesce(octet_length(stripped_text), 0) + coalesce(octet_length(headers::text), 0)
    from emails where emails.message_id = ${table}.id), 0)
  else 0 end`;
}

/** The fields of an email, without those that are empty. */
export function presentEmail(
  { body, direction, email }: { body: string; direction: Schema<'Direction'>; email: EmailRow | null },
  links: MediaLinks,
  hasHtml: boolean,
): EmailFields {
  if (email === null) return {};
  const { delivered_to, raw } = email;
  const headers = withoutLink(email);
  const internetMessageId = email.wire_message_id ?? email.internet_message_id;
  return {
    ...(email.is_html && email.text !== null && { text: email.text }),
    ...(email.is_html && hasHtml && { html: body }),
    ...(email.stripped_text !== null && { stripped_text: email.stripped_text }),
    ...(headers !== null && { headers }),
    ...(internetMessageId !== null && { internet_message_id: internetMessageId }),
    ...(email.in_reply_to_id !== null && { in_reply_to: email.in_reply_to_id }),
    ...(direction === 'outbound' && { unsubscribe: email.unsubscribe_key !== null }),
    ...(delivered_to !== null && { delivered_to }),
    ...(email.auto_reply !== null && { auto_reply: email.auto_reply }),
    ...(email.spam !== null && { spam: email.spam }),
    ...(raw !== null && { raw: presentMedia(raw, links) }),
  };
}
