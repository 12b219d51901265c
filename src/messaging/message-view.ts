import { type AnyQueryBuilder, raw } from 'objection';
import type { Delivery } from '../db/models/delivery.ts';
import { firstStatus, type Message } from '../db/models/message.ts';
import type { MediaLinks } from '../media/links.ts';
import { type MediaRow, mediaOf, presentMedia, START_OF_MEDIA } from '../media/view.ts';
import { presentError } from '../openapi/error-class.ts';
import type { Schema } from '../openapi/types.ts';
import { type EmailRow, emailOf, presentEmail } from './email/view.ts';
import { type MarkRow, presentMarks, presentRecipients, type RecipientRow } from './recipients-view.ts';

/** A message with the fields of its delivery that responses contain. */
export type PresentableMessage = Pick<Message, (typeof COLUMNS)[number] | 'conversation_id'> &
  Pick<Delivery, 'error' | 'send_at' | 'updated_at'> & {
    status: Schema<'MessageStatus'>;
    provider: string | null;
    provider_message_id: string | null;
    expires_at: Date | null;
    next_attempt_at: Date | null;
    /** The recipients with a state of their own. Each other recipient has the state of the message. */
    recipients?: RecipientRow[] | null;
    /** The marks of the recipients of an email; null if there is none. */
    marks?: MarkRow[] | null;
    /** The files of the message; null if it has none. */
    media: MediaRow[] | null;
    /** Null for a text. */
    email: EmailRow | null;
  };

const COLUMNS = [
  'id',
  'direction',
  'type',
  'from',
  'to',
  'cc',
  'bcc',
  'reply_to',
  'subject',
  'body',
  'attachments',
  'segments',
  'metadata',
  'purpose',
  'actor',
  'timestamp',
  'created_at',
  'redacted_at',
] as const satisfies (keyof Message)[];

/**
 * The columns of the delivery of an outbound message, and the primary conversation. An operator may have deleted the
 * delivery. While a message has the status `sending`, its `next_attempt_at` is the end of a lease and is not shown.
 */
const joined = (media: string, email: string) => `
  coalesce(delivery.status, case direction when 'inbound' then 'received' else 'unknown' end) as status,
  delivery.error, delivery.send_at, delivery.expires_at,
  case when delivery.status in ('scheduled', 'queued') then delivery.next_attempt_at end as next_attempt_at,
  coalesce(delivery.provider, messages.provider) as provider,
  coalesce(delivery.provider_message_id, messages.provider_message_id) as provider_message_id,
  coalesce(delivery.updated_at, messages.created_at) as updated_at,
  case when direction = 'outbound' and cardinality("to" || cc || bcc) > 1 then (
    select json_agg(recipient) from delivery_recipients as recipient where message_id = messages.id
  ) end as recipients,
  case when direction = 'outbound' and type = 'email' then (
    select json_agg(own order by position) from recipient_marks as own where message_id = messages.id and mark <> 'bounced'
  ) end as marks,
  ${media} as media, ${email} as email,
  (select coalesce(merged_into_id, id) from conversations where id = messages.conversation_id) as conversation_id`;

/** Adds the columns of `PresentableMessage` to a query for few messages. */
export function presentable(messages: AnyQueryBuilder): void {
  messages
    .leftJoinRelated('delivery')
    .select(COLUMNS.map((column) => `messages.${column}`))
    .select(raw(joined(mediaOf('messages'), emailOf('messages'))));
}

/** An array of texts, up to the text that exceeds the number of characters, which is cut. */
const START_OF_ATTACHMENTS = `
  case when attachments = '{}' then attachments else (
    select array_agg(left(url, :characters::int + 1) order by n) from (
      select url, n, sum(length(url)) over (order by n) - length(url) as before
      from unnest(attachments) with ordinality as attachment(url, n)
    ) as attached where before <= :characters
  ) end as attachments`;

/** Adds the same columns, with only as much of the body, the attachments and the files as exceeds a number of characters. */
export function presentableStart(messages: AnyQueryBuilder, characters: number): void {
  const small = COLUMNS.filter((column) => column !== 'body' && column !== 'attachments');
  messages
    .leftJoinRelated('delivery')
    .select(small.map((column) => `messages.${column}`))
    .select(
      raw(
        `left(body, :characters::int + 1) as body, ${START_OF_ATTACHMENTS},
        ${joined(START_OF_MEDIA, emailOf('messages', ':characters::int + 1'))}`,
        { characters },
      ),
    );
}

/** The state of a message directly after it was recorded, which the first response and each replay show. */
export function initialState(
  message: Pick<PresentableMessage, 'direction' | 'send_at' | 'created_at'>,
): Pick<PresentableMessage, 'status' | 'error' | 'next_attempt_at' | 'updated_at'> {
  const status = firstStatus(message);
  const { send_at, created_at } = message;
  return {
    ...{ status, error: null, updated_at: created_at },
    next_attempt_at: status === 'scheduled' ? send_at : null,
  };
}

/** Whether responses have `html`, which lists and events leave out. */
export interface Included {
  html: boolean;
}

/** Presents a stored message as the message of the contract. */
export type PresentMessage = (row: PresentableMessage, included: Included) => Schema<'Message'>;

/** The view of messages, with links to their files. */
export function createMessageView(links: MediaLinks): PresentMessage {
  return (row, { html }) => presentMessage(row, links, html);
}

/** The message of the contract. The fields that only emails, groups and messages with files have are omitted if they are empty. */
function presentMessage(row: PresentableMessage, links: MediaLinks, hasHtml: boolean): Schema<'Message'> {
  return {
    id: row.id,
    conversation_id: row.conversation_id,
    direction: row.direction,
    type: row.type,
    from: row.from,
    to: row.to,
    ...(row.cc && { cc: row.cc }),
    ...(row.bcc && { bcc: row.bcc }),
    ...(row.reply_to !== null && { reply_to: row.reply_to }),
    ...(row.subject !== null && { subject: row.subject }),
    body: row.body,
    ...presentEmail(row, links, hasHtml),
    attachments: row.attachments,
    ...(row.media && { media: row.media.map((media) => presentMedia(media, links)) }),
    status: row.status,
    error: presentError(row.error),
    ...presentRecipients(row),
    ...(row.marks && { marks: presentMarks(row, row.marks) }),
    provider: row.provider,
    provider_message_id: row.provider_message_id,
    segments: row.segments,
    metadata: row.metadata,
    purpose: row.purpose ?? (row.direction === 'outbound' ? 'conversational' : null),
    actor: row.actor,
    timestamp: row.timestamp.toISOString(),
    send_at: row.send_at?.toISOString() ?? null,
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    redacted_at: row.redacted_at?.toISOString() ?? null,
  };
}
