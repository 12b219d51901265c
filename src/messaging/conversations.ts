import type { Knex } from 'knex';
import { Conversation } from '../db/models/conversation.ts';
import { Participant } from '../db/models/participant.ts';
import { type Fault, InvalidRequestError, NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { Address } from './address.ts';
import { DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { readTime } from './time.ts';

export interface ConversationQuery extends PageQuery {
  participant?: string[] | undefined;
  type?: 'sms' | 'email' | undefined;
  since?: string | undefined;
}

interface LastMessage {
  conversation_id: number;
  id: number;
  direction: Schema<'Direction'>;
  type: Schema<'MessageType'>;
  preview: string;
  created_at: Date;
}

const PREVIEW_LENGTH = 120;

/** The conversations, the most recently active first. */
export async function listConversations(
  knex: Knex,
  parse: (input: string) => Address | null,
  query: ConversationQuery,
): Promise<Page<Schema<'Conversation'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<[string, number]>(query.cursor, [isTime, isId]);
  const since = readSince(query.since);
  const participants = await findParticipants(knex, parse, query.participant ?? []);
  if (participants === null) return { data: [], next_cursor: null };
  const rows = await Conversation.query(knex)
    .whereNull('merged_into_id')
    .modify((builder) => {
      for (const id of participants) {
        builder.whereIn('id', (inner) =>
          inner.from('conversation_participants').select('conversation_id').where('participant_id', id),
        );
      }
      if (query.type) builder.where('channel', query.type);
      if (since) builder.where('last_message_at', '>=', since);
      if (after) builder.whereRaw('(last_message_at, id) < (?::timestamptz, ?)', after);
    })
    .orderBy([
      { column: 'last_message_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit + 1)
    .withGraphFetched('participants(inOrder)')
    .modifiers({ inOrder: (builder) => builder.orderBy('participants.id') });
  const last = await lastMessages(knex, rows);
  return pageOf(
    rows,
    limit,
    (row) => [row.last_message_at, row.id],
    (row) => present(row, last.get(row.id)),
  );
}

/** @throws {NotFoundError} */
export async function getConversation(knex: Knex, id: number): Promise<Schema<'Conversation'>> {
  const conversation = await Conversation.query(knex)
    .findById(id)
    .withGraphFetched('participants(inOrder)')
    .modifiers({ inOrder: (builder) => builder.orderBy('participants.id') });
  if (!conversation) throw new NotFoundError(`conversation ${id}`);
  const last = await lastMessages(knex, [conversation]);
  return present(conversation, last.get(id));
}

/** @throws {NotFoundError} */
export async function assertConversation(knex: Knex, id: number): Promise<void> {
  if (!(await Conversation.query(knex).findById(id).select('id')))
    throw new NotFoundError(`conversation ${id}`);
}

function readSince(since: string | undefined): Date | null {
  const faults: Fault[] = [];
  const time = readTime('/query/since', since, faults);
  if (faults.length > 0) throw new InvalidRequestError(faults);
  return time;
}

/** The ids of these addresses' participants; null where one of them never took part in anything. */
async function findParticipants(
  knex: Knex,
  parse: (input: string) => Address | null,
  inputs: string[],
): Promise<number[] | null> {
  // A plus sign that was not encoded arrives as a space.
  const addresses = inputs.map((input) => parse(input.replace(/^ /, '+')));
  const faults = addresses.flatMap((address, index) =>
    address
      ? []
      : [{ path: `/query/participant/${index}`, message: 'is neither a phone number nor an email address' }],
  );
  if (faults.length > 0) throw new InvalidRequestError(faults);
  const keys = [...new Set(addresses.map((address) => address?.key ?? ''))];
  if (keys.length === 0) return [];
  const found = await Participant.query(knex).select('id').whereIn('address', keys);
  return found.length === keys.length ? found.map(({ id }) => id) : null;
}

/** One row for each conversation, read from the end of its index. */
async function lastMessages(knex: Knex, conversations: Conversation[]): Promise<Map<number, LastMessage>> {
  const { rows } = await knex.raw<{ rows: LastMessage[] }>(
    `select last.* from unnest(?::bigint[]) as shown(id)
     cross join lateral (
       select conversation_id, messages.id, direction, type, left(body, ?) as preview, created_at
       from messages where conversation_id = shown.id order by messages.id desc limit 1
     ) as last`,
    [conversations.map(({ id }) => id), PREVIEW_LENGTH],
  );
  return new Map(rows.map((row) => [row.conversation_id, row]));
}

function present(row: Conversation, last: LastMessage | undefined): Schema<'Conversation'> {
  return {
    id: row.id,
    type: row.channel,
    participants: (row.participants ?? []).map(({ id, address, kind, name }) => ({
      id,
      address,
      kind,
      name,
    })),
    message_count: row.message_count,
    last_message: last
      ? {
          id: last.id,
          direction: last.direction,
          type: last.type,
          preview: last.preview,
          created_at: last.created_at.toISOString(),
        }
      : null,
    created_at: row.created_at.toISOString(),
    last_message_at: row.last_message_at.toISOString(),
  };
}
