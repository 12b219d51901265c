import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import { Message } from '../../db/models/message.ts';
import { NotFoundError } from '../../errors.ts';
import { Cursors, DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery } from '../../openapi/page.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { AddressParser } from '../address.ts';
import type { PresentableMessage } from '../message-view.ts';
import { findPeople } from '../people/addresses.ts';
import { readQueryTime } from '../time.ts';
import { mergedIds } from './conversations.ts';
import { highlight } from './highlight.ts';
import { readMessages } from './message-page.ts';
import { includedBy, type MessageSource } from './messages.ts';
import { BY_DELIVERY, BY_MESSAGE, type Clock, type Messages, newest } from './newest-first.ts';
import { type Filter, find, firstWindow } from './search.ts';
import { conditionOf } from './search-condition.ts';
import type { Searches } from './search-limit.ts';
import { readSearch, type Search } from './search-words.ts';

export interface MessageQuery extends PageQuery {
  q?: string | undefined;
  conversation_id?: number | undefined;
  participant?: string | undefined;
  direction?: Schema<'Direction'> | undefined;
  type?: Schema<'MessageType'> | undefined;
  status?: Schema<'MessageStatus'> | undefined;
  since?: string | undefined;
  until?: string | undefined;
  include?: readonly 'html'[] | undefined;
}

export interface MessageReader extends MessageSource {
  parse: AddressParser;
  searches: Searches;
}

/** A page of the messages that match the query, newest first. */
export async function listMessages(
  { knex, parse, present: presentWith, searches }: MessageReader,
  query: MessageQuery,
  reserve: Reserve,
): Promise<Page<Schema<'Message'>>> {
  const included = includedBy(query);
  const present = (row: PresentableMessage) => presentWith(row, included);
  const cursors = new Cursors<Position>('messages', query, [isTime, isId]);
  const filter = await readFilter(knex, parse, query, cursors.after);
  const request = { filter, cursors, clock: clockOf(query), limit: query.limit ?? DEFAULT_LIMIT, reserve };
  if (query.q === undefined) return list({ knex, present }, request);
  return searchFor({ knex, present, searches }, request, readSearch(parse, query.q));
}

type Position = [time: string, id: number];

interface ListSource {
  knex: Knex;
  present: (row: PresentableMessage) => Schema<'Message'>;
}

interface ListRequest {
  filter: Filter;
  cursors: Cursors<Position>;
  clock: Clock;
  limit: number;
  reserve: Reserve;
}

const NEWEST_FIRST = 'created_at desc, id desc';

async function list(
  { knex, present }: ListSource,
  { filter, cursors, clock, limit, reserve }: ListRequest,
): Promise<Page<Schema<'Message'>>> {
  // In most lists, the newest messages fill the page, which one statement reads.
  const newestFirst = filter.isIndexed
    ? newest(Message.query(knex).select('messages.*').modify(filter.scope), limit + 1, clock)
    : newest(firstWindow(knex, filter, clock), limit + 1, BY_MESSAGE);
  const first = await readMessages(knex, { candidates: newestFirst, order: NEWEST_FIRST, limit, reserve });
  if (filter.isIndexed || first.last) return cursors.page(first.rows, positionOf(first.last), present);
  const { ids, stoppedAt } = await find(knex, { filter, condition: null, clock, wanted: limit + 1 });
  const candidates = Message.query(knex).whereIn('messages.id', ids);
  const { rows, last } = await readMessages(knex, { candidates, order: NEWEST_FIRST, limit, reserve });
  return cursors.page(rows, positionOf(last ?? stoppedAt), present);
}

async function searchFor(
  { knex, present, searches }: ListSource & Pick<MessageReader, 'searches'>,
  { filter, cursors, clock, limit, reserve }: ListRequest,
  search: Search,
): Promise<Page<Schema<'Message'>>> {
  const { ids, stoppedAt } = await searches.run(() =>
    find(knex, { filter, condition: conditionOf(search), clock, wanted: limit + 1 }),
  );
  const candidates = Message.query(knex).whereIn('messages.id', ids);
  const { rows, last } = await readMessages(knex, { candidates, order: NEWEST_FIRST, limit, reserve });
  const data: Schema<'Message'>[] = [];
  for (const row of rows) {
    data.push({ ...present(row), highlight: highlight(row, search) });
    // A page can have megabytes of text.
    await setImmediate();
  }
  return cursors.page(data, positionOf(last ?? stoppedAt), (message) => message);
}

function positionOf(last: [time: Date, id: number] | null): Position | null {
  return last && [last[0].toISOString(), last[1]];
}

/** The filter of a query, without its search. */
async function readFilter(
  knex: Knex,
  parse: AddressParser,
  query: MessageQuery,
  after: Position | null,
): Promise<Filter> {
  const { direction, type, status, conversation_id, participant } = query;
  const [since, until] = [readQueryTime('since', query.since), readQueryTime('until', query.until)];
  const members = conversation_id === undefined ? null : await membersOrNone(knex, conversation_id);
  const addresses = participant === undefined ? [] : [participant];
  const clock = clockOf(query);
  const [person] = await findPeople(knex, parse, addresses, () => '/query/participant');
  const isIndexedStatus = status !== undefined && (EXCEPTIONS.has(status) || PENDING.has(status));
  return {
    isIndexed: direction === undefined && type === undefined && (status === undefined || isIndexedStatus),
    scope: (messages) => {
      if (isIndexedStatus) messages.modify(withStatus, status);
      if (since) messages.where(clock.time, '>=', since);
      if (until) messages.where(clock.time, '<', until);
      if (after) messages.whereRaw('(??, ??) < (?::timestamptz, ?)', [clock.time, clock.id, ...after]);
      if (members) messages.whereIn('messages.conversation_id', members);
      if (person)
        messages.whereIn('messages.conversation_id', (conversations) =>
          conversations
            .from('conversation_participants')
            .select('conversation_id')
            .whereIn('participant_id', person),
        );
    },
    conditions: (messages) => {
      if (direction) messages.where({ direction });
      if (type) messages.where({ type });
      if (status && !isIndexedStatus) messages.modify(withStatus, status);
    },
  };
}

/** Statuses of few messages, which have an index in the order of their times. */
const EXCEPTIONS = new Set(['scheduled', 'undelivered', 'failed', 'canceled', 'unknown']);
const PENDING = new Set(['queued', 'sending']);

function withStatus(messages: Messages, status: Schema<'MessageStatus'>): void {
  messages.where({ direction: status === 'received' ? 'inbound' : 'outbound' });
  if (status !== 'received') messages.joinRelated('delivery').where('delivery.status', status);
  // Makes the planner use the index of pending deliveries.
  if (PENDING.has(status)) messages.where('delivery.pending', true);
}

/** The columns for the order of the messages. A delivery has the time of its message. */
function clockOf({ status = 'received' }: MessageQuery): Clock {
  return EXCEPTIONS.has(status) ? BY_DELIVERY : BY_MESSAGE;
}

/** The merged ids of a conversation; empty if it does not exist, so that no message matches. */
async function membersOrNone(knex: Knex, id: number): Promise<number[]> {
  return mergedIds(knex, id).catch((error) => {
    if (error instanceof NotFoundError) return [];
    throw error;
  });
}
