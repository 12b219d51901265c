import type { Knex } from 'knex';

/** A message outside the conversations of the participants. */
export interface NamedMessage {
  id: number;
  conversation_id: number;
}

const MAX_ROWS = 1_000;

/** SQL: the index of messages_document_idx. */
const DOCUMENT = `coalesce(document, message_document(message_words(type, "from", "to", cc, bcc, subject, body)))`;

/** SQL: a query of the words that `message_words` makes of an address. */
const QUERY = `
  select string_agg(quote_literal(word), ' & ') as query
  from string_to_table(trim(message_words('email', ?, '{}', null, null, null, '')), ' ') as word`;

/** Only the index finds the candidates, so that the planner cannot read all messages in the order of their ids. */
const FIND = `
  with candidates as materialized (
    select id, conversation_id from messages
    where ${DOCUMENT} @@ :query::tsquery and :address = any(bcc) and id > :after
  )
  select id, conversation_id from candidates
  where not exists (
    select from conversation_participants as member
    where member.conversation_id = candidates.conversation_id and participant_id = any(:ids))
  order by id limit :limit`;

/** Finds the messages that name an address as a blind copy, whose recipients take no part in the conversation. */
export async function* findBlindCopies(
  knex: Knex,
  ids: number[],
  address: string,
): AsyncGenerator<NamedMessage[]> {
  const { rows: queries } = await knex.raw<{ rows: { query: string }[] }>(QUERY, [address]);
  const query = queries[0]?.query ?? '';
  if (query === '') return;
  let after = 0;
  for (;;) {
    const bindings = { query, address, ids, after, limit: MAX_ROWS };
    const { rows } = await knex.raw<{ rows: NamedMessage[] }>(FIND, bindings);
    if (rows.length > 0) yield rows;
    if (rows.length < MAX_ROWS) return;
    after = (rows.at(-1) as NamedMessage).id;
  }
}
