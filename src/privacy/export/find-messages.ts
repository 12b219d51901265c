import type { Knex } from 'knex';
import { storedFunction } from '../../db/functions.ts';

/** A message outside the conversations of the participants. */
export interface NamedMessage {
  id: number;
  conversation_id: number;
}

/** The ids of one statement, so that it takes a second or two if all of these messages have the words of the address. */
const WINDOW = 50_000;
const MAX_ROWS = 1_000;

/** SQL: null for an address without a pattern, such as a short code. */
const QUERY = `
  select ${storedFunction('mention_query')}(?)::text as query, (select coalesce(max(id), 0) from messages) as end`;

/** The same messages as in erase_mentions.sql. Only indexes find the candidates, so that the planner cannot read all messages. */
const FIND = `
  with candidates as materialized (
    select id, conversation_id from messages
    where coalesce(document, message_document(message_words(type, "from", "to", cc, bcc, subject, body))) @@ :query::tsquery
      and id > :start and id <= :end
      and ${storedFunction('names_any')}(concat_ws(' ', "from", "to"::text, cc::text, bcc::text, subject, body), array[:address])
    union
    select id, conversation_id from messages where reply_to = :address and id > :start and id <= :end
  )
  select id, conversation_id from candidates
  where not exists (
    select from conversation_participants as member
    where member.conversation_id = candidates.conversation_id and participant_id = any(:ids))
  order by id`;

/** Finds the messages outside the conversations of the participants that name an address, for example as a blind copy. */
export async function* findMentions(
  knex: Knex,
  ids: number[],
  address: string,
): AsyncGenerator<NamedMessage[]> {
  const { rows: queries } = await knex.raw<{ rows: { query: string | null; end: number }[] }>(QUERY, [
    address,
  ]);
  const [{ query, end } = { query: null, end: 0 }] = queries;
  for (let start = 0; start < end; start += WINDOW) {
    const bindings = { query, address, ids, start, end: start + WINDOW } as Record<string, Knex.RawBinding>;
    const { rows } = await knex.raw<{ rows: NamedMessage[] }>(FIND, bindings);
    for (let at = 0; at < rows.length; at += MAX_ROWS) yield rows.slice(at, at + MAX_ROWS);
  }
}
