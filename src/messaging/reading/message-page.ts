import type { Knex } from 'knex';
import { Message } from '../../db/models/message.ts';
import { canHaveMedia } from '../../media/view.ts';
import { FREE_BYTES, PAGE_BYTES } from '../../openapi/page.ts';
import type { Reserve } from '../../openapi/types.ts';
import { emailSize } from '../email/view.ts';
import { type PresentableMessage, presentable } from '../message-view.ts';
import type { Messages } from './newest-first.ts';

/** The bytes of the recipients of a message with several recipients, and of their marks, which are read for such messages only. */
const RECIPIENTS_SIZE = `case when direction = 'outbound' and cardinality("to" || cc || bcc) > 1 then
  octet_length(array_to_string("to" || cc || bcc, ' ')) + cardinality("to" || cc || bcc) * (
    256 + coalesce((select octet_length(error::text) from deliveries where message_id = candidates.id), 0))
  + coalesce((select sum(octet_length(error::text)) from delivery_recipients where message_id = candidates.id), 0)
  + (select count(distinct position) from recipient_marks where message_id = candidates.id) * 512
  else 0 end`;

/** The bytes of the files of a message, which are counted for a message that can have files only. */
const MEDIA_SIZE = `case when ${canHaveMedia('candidates')} then (
    select 512 * count(*) from message_media where message_id = candidates.id)
  else 0 end`;

/** The bytes of a message's content. `octet_length` does not read the body; the other columns are small. */
const SIZE = `(512 + octet_length(body) + coalesce(octet_length(subject), 0) + octet_length(metadata::text)
  + octet_length(array_to_string("to" || cc || bcc || attachments, ' ')) + ${RECIPIENTS_SIZE} + ${MEDIA_SIZE}
  + ${emailSize('candidates')})`;

export interface PageRequest {
  /** Selects one message more than `limit`, to find out whether there is a next page. */
  candidates: Messages;
  /** The order of the page, by columns of messages. */
  order: string;
  limit: number;
  reserve: Reserve;
}

export interface MessageRows {
  rows: PresentableMessage[];
  /** The time and id of the last message of the page; null if there are no more candidates. */
  last: [time: Date, id: number] | null;
}

/** A row of the page, with its content if the first query has read the content. */
type Kept = {
  page_id: number;
  page_time: Date;
  size: number;
  candidates: number;
} & Partial<PresentableMessage>;

/**
 * Reads the first candidates: at most `limit`, and at most `PAGE_BYTES`, but at least one. The first query reads the content
 * of the first `FREE_BYTES`; a second query reads the other content after the response has reserved its bytes.
 */
export async function readMessages(knex: Knex, request: PageRequest): Promise<MessageRows> {
  const kept = await choose(knex, request);
  const absent = kept.filter(({ id }) => id == null).map(({ page_id }) => page_id);
  const rows = new Map(kept.map((row) => [row.page_id, row as unknown as PresentableMessage]));
  if (absent.length > 0) {
    await request.reserve(kept.reduce((sum, { size }) => sum + size, 0));
    const read = await Message.query(knex)
      .whereIn('messages.id', absent)
      .modify(presentable)
      .castTo<PresentableMessage[]>();
    for (const id of absent) rows.delete(id);
    for (const row of read) rows.set(row.id, row);
  }
  const end = kept.at(-1);
  return {
    rows: kept.flatMap(({ page_id }) => rows.get(page_id) ?? []),
    last: end && kept.length < end.candidates ? [end.page_time, end.page_id] : null,
  };
}

function choose(knex: Knex, { candidates, order, limit }: PageRequest): Promise<Kept[]> {
  const early = Message.query(knex)
    .whereRaw('messages.id = kept.page_id and kept.running <= ?', [FREE_BYTES])
    .modify(presentable)
    .toKnexQuery();
  const query = knex
    .with('candidates', candidates.toKnexQuery())
    .with(
      'sized',
      knex.raw(
        `select id as page_id, created_at as page_time, ${SIZE} as size, row_number() over page as n, sum(${SIZE}) over page as running,
           count(*) over () as candidates
         from candidates window page as (order by ${order})`,
      ),
    )
    .with('kept', (page) =>
      page.from('sized').where('n', '<=', limit).whereRaw('(n = 1 or running <= ?)', [PAGE_BYTES]),
    )
    .from('kept')
    .joinRaw('left join lateral (?) as content on true', [early as never])
    .select('kept.page_id', 'kept.page_time', 'kept.size', 'kept.candidates', 'content.*')
    .orderBy('kept.n');
  return query as unknown as Promise<Kept[]>;
}
