import type { Knex } from 'knex';
import { Message } from '../db/models/message.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import { membersOf } from './conversations.ts';
import { DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { type AddressParser, findPeople } from './participants.ts';
import { presentableColumns, SPEAKING_CONVERSATION } from './present.ts';
import { assertWords, find, latest, type Messages, presentFound, readSearch } from './search.ts';
import { readQueryTime } from './time.ts';

export interface MessageQuery extends PageQuery {
  q?: string | undefined;
  conversation_id?: number | undefined;
  participant?: string | undefined;
  direction?: Schema<'Direction'> | undefined;
  type?: Schema<'MessageType'> | undefined;
  status?: Schema<'MessageStatus'> | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** The messages that fit all that is asked, the latest first. */
export async function listMessages(
  knex: Knex,
  parse: AddressParser,
  query: MessageQuery,
): Promise<Page<Schema<'Message'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const search = query.q === undefined ? null : readSearch(parse, query.q);
  const filter = await readFilter(knex, parse, query);
  const messages: Messages = Message.query(knex).select(presentableColumns).modify(filter);
  const rows = search
    ? await find(knex, messages, search, limit + 1)
    : await latest(messages, limit + 1).select(knex.raw(SPEAKING_CONVERSATION));
  if (search && rows.length === 0) await assertWords(knex, search);
  return pageOf(rows, limit, (row) => [row.created_at, row.id], presentFound);
}

/** Everything that is asked but the search and the order. */
async function readFilter(knex: Knex, parse: AddressParser, query: MessageQuery) {
  const { direction, type, status, conversation_id, participant } = query;
  const after = readCursor<[string, number]>(query.cursor, [isTime, isId]);
  const [since, until] = [readQueryTime('since', query.since), readQueryTime('until', query.until)];
  const members = conversation_id === undefined ? null : await membersOrNone(knex, conversation_id);
  const addresses = participant === undefined ? [] : [participant];
  const [person] = await findPeople(knex, parse, addresses, () => '/query/participant');
  return (messages: Messages): void => {
    if (direction) messages.where({ direction });
    if (type) messages.where({ type });
    if (status) messages.where({ status });
    if (since) messages.where('created_at', '>=', since);
    if (until) messages.where('created_at', '<', until);
    if (after) messages.whereRaw('(created_at, id) < (?::timestamptz, ?)', after);
    if (members) messages.whereIn('conversation_id', members);
    if (person) {
      const theirs = knex('conversation_participants').select('conversation_id');
      messages.whereIn('conversation_id', theirs.whereIn('participant_id', person));
    }
  };
}

/** None where there is no such conversation: a filter that nothing fits. */
async function membersOrNone(knex: Knex, id: number): Promise<number[]> {
  return membersOf(knex, id).catch((error) => {
    if (error instanceof NotFoundError) return [];
    throw error;
  });
}
