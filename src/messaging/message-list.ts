import type { Knex } from 'knex';
import { Message } from '../db/models/message.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { AddressParser } from './address.ts';
import { membersOf } from './conversations.ts';
import { BY_DELIVERY, BY_MESSAGE, type Clock, type Messages, shown } from './latest.ts';
import { DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { findPeople } from './participants.ts';
import { assertWords, find, presentFound, readSearch, refuseUnreadable } from './search.ts';
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
  const messages: Messages = Message.query(knex).select('messages.*').modify(filter);
  const rows = search
    ? await refuseUnreadable(knex, search, () => find(knex, messages, search, limit + 1))
    : await shown(knex, messages, limit + 1, clockOf(query));
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
  const clock = clockOf(query);
  const [person] = await findPeople(knex, parse, addresses, () => '/query/participant');
  return (messages: Messages): void => {
    if (direction) messages.where({ direction });
    if (type) messages.where({ type });
    if (status) messages.modify(withStatus, status);
    if (since) messages.where(clock.time, '>=', since);
    if (until) messages.where(clock.time, '<', until);
    if (after) messages.whereRaw('(??, ??) < (?::timestamptz, ?)', [clock.time, clock.id, ...after]);
    if (members) messages.whereIn('messages.conversation_id', members);
    if (person)
      messages.whereIn('messages.conversation_id', (theirs) =>
        theirs.from('conversation_participants').select('conversation_id').whereIn('participant_id', person),
      );
  };
}

/** Those that few messages have: an index has them, in the order of their times. */
const EXCEPTIONS = new Set(['scheduled', 'undelivered', 'failed', 'canceled', 'unknown']);
const PENDING = new Set(['queued', 'sending']);

function withStatus(messages: Messages, status: Schema<'MessageStatus'>): void {
  messages.where({ direction: status === 'received' ? 'inbound' : 'outbound' });
  if (status !== 'received') messages.joinRelated('delivery').where('delivery.status', status);
  // What is pending has an index too.
  if (PENDING.has(status)) messages.where('delivery.pending', true);
}

/** Whose times say what is later; a delivery has its message's. */
function clockOf({ status = 'received' }: MessageQuery): Clock {
  return EXCEPTIONS.has(status) ? BY_DELIVERY : BY_MESSAGE;
}

/** None where there is no such conversation: a filter that nothing fits. */
async function membersOrNone(knex: Knex, id: number): Promise<number[]> {
  return membersOf(knex, id).catch((error) => {
    if (error instanceof NotFoundError) return [];
    throw error;
  });
}
