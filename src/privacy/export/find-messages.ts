import type { Knex } from 'knex';
import { storedFunction } from '../../db/functions.ts';

/** A message outside the conversations of the participants. */
export interface NamedMessage {
  id: number;
  conversation_id: number;
}

const MAX_ROWS = 1_000;

/** SQL: null for an address without a pattern, such as a short code. */
const QUERY = `select ${storedFunction('mention_query')}(?)::text as query`;

/** The same messages as in erase_mentions.sql. Only indexes find the candidates, so that the planner cannot read all messages. */
const FIND = `
  with candidates as materialized (
    select id, conversation_id from messages
    where coalesce(document, message_document(message_words(type, "from", "to", cc, bcc, subject, body))) @@ :query::tsquery
      and ${storedFunction('names_any')}(concat_ws(' ', "from", "to"::text, cc::text, bcc::text, subject, body), array[:address])
      and id > :after
    union
    select id, conversation_id from messages where reply_to = :address and id > :after
  )
  select id, conversation_id from candidates
  where not exists (
    select from conversation_participants as member
    where member.conversation_id = candidates.conversation_id and participant_id = any(:ids))
  order by id limit :limit`;

/** Finds the messages outside the conversations of the participants that name an address, for example as a blind copy. */
export async function* findMentions(
  knex: Knex,
  ids: number[],
  address: string,
): AsyncGenerator<NamedMessage[]> {
  const { rows: queries } = await knex.raw<{ rows: { query: string | null }[] }>(QUERY, [address]);
  const query = queries[0]?.query ?? null;
  let after = 0;
  for (;;) {
    const bindings = { query, address, ids, after, limit: MAX_ROWS } as Record<string, Knex.RawBinding>;
    const { rows } = await knex.raw<{ rows: NamedMessage[] }>(FIND, bindings);
    if (rows.length > 0) yield rows;
    if (rows.length < MAX_ROWS) return;
    after = (rows.at(-1) as NamedMessage).id;
  }
}
