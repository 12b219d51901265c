import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { Conversation } from '../db/models/conversation.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import { currentMoment } from './moment.ts';
import { DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { type AddressParser, findPeople } from './participants.ts';
import { readQueryTime } from './time.ts';

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

/** A conversation that speaks, with those that were merged into it. */
interface Family {
  speaker: Conversation;
  members: Conversation[];
  last: LastMessage | undefined;
}

const PREVIEW_LENGTH = 120;

/**
 * When a conversation was last active by a moment. Within a conversation times ascend with the ids, so each look into
 * the index ends after a row or two, however much was written since.
 */
const ACTIVITY_BY_THEN = `
  cross join lateral (
    select max(last.created_at) as activity
    from (
      select conversations.id union all
      select merged.id from conversations as merged where merged.merged_into_id = conversations.id
    ) as member(id)
    cross join lateral (
      select created_at from messages
      where conversation_id = member.id and messages.id <= ? and created_at <= ?::timestamptz
      order by messages.id desc limit 1
    ) as last
    having count(*) > 0
  ) as by_then`;

/** Where a page ends: the moment that the list is read as of, and its last row. */
type Position = [time: string, lastId: number, activity: string, id: number];

/**
 * The conversations that speak, the most recently active first, as of the moment when the first page was read: one
 * that moves meanwhile is still met where it was, so that none is skipped and none comes twice.
 */
export async function listConversations(
  knex: Knex,
  parse: AddressParser,
  query: ConversationQuery,
): Promise<Page<Schema<'Conversation'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<Position>(query.cursor, [isTime, isId, isTime, isId]);
  const since = readQueryTime('since', query.since);
  const people = await findPeople(
    knex,
    parse,
    query.participant ?? [],
    (index) => `/query/participant/${index}`,
  );
  const moment = after ? { time: after[0], lastId: after[1] } : await currentMoment(knex);
  const page = (activity: string) => (builder: QueryBuilder<Conversation>) => {
    builder.select('id', knex.raw('?? as activity', activity)).whereNull('merged_into_id');
    // Conversations that were merged have the same people: it is enough to look at the one that speaks.
    for (const addresses of people) {
      builder.whereIn('id', (inner) =>
        inner
          .from('conversation_participants')
          .select('conversation_id')
          .whereIn('participant_id', addresses),
      );
    }
    if (query.type) whereChannel(builder, query.type);
    if (since) builder.where(activity, '>=', since);
    if (after) builder.whereRaw('(??, id) < (?::timestamptz, ?)', [activity, after[2], after[3]]);
    builder.orderByRaw('?? desc, id desc', activity).limit(limit + 1);
  };
  const rest = Conversation.query(knex)
    .where('last_message_at', '<=', moment.time)
    .modify(page('last_message_at'));
  const moved = Conversation.query(knex)
    .joinRaw(ACTIVITY_BY_THEN, [moment.lastId, moment.time])
    .where('last_message_at', '>', moment.time)
    .modify(page('by_then.activity'));
  const rows: { id: number; activity: Date }[] = await knex
    .unionAll([rest.toKnexQuery(), moved.toKnexQuery()], true)
    .orderBy([
      { column: 'activity', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit + 1);
  const families = await findFamilies(
    knex,
    rows.slice(0, limit).map(({ id }) => id),
  );
  return pageOf(
    rows,
    limit,
    (row): Position => [moment.time, moment.lastId, row.activity.toISOString(), row.id],
    (row) => present(families.get(row.id) as Family),
  );
}

/**
 * One conversation; of one that was merged, what speaks for it.
 *
 * @throws {NotFoundError}
 */
export async function getConversation(knex: Knex, id: number): Promise<Schema<'Conversation'>> {
  const [speakerId] = await membersOf(knex, id);
  const families = await findFamilies(knex, [speakerId as number]);
  const shown = present(families.get(speakerId as number) as Family);
  return speakerId === id ? shown : { ...shown, id, merged_into: speakerId as number };
}

/**
 * The ids of all conversations that are read as one with this one, the one that speaks first.
 *
 * @throws {NotFoundError}
 */
export async function membersOf(knex: Knex, id: number): Promise<number[]> {
  const asked = Conversation.query(knex).select(knex.raw('coalesce(merged_into_id, id)')).where('id', id);
  const members = await Conversation.query(knex)
    .select('id')
    .where('id', asked)
    .orWhere('merged_into_id', asked.clone())
    .orderBy('id');
  if (members.length === 0) throw new NotFoundError(`conversation ${id}`);
  return members.map((member) => member.id);
}

/** Limited, so that the merged ones are looked up by their index: with an EXISTS the planner may read them all. */
function whereChannel(builder: QueryBuilder<Conversation>, channel: 'sms' | 'email'): void {
  builder.whereRaw(
    `(channel = ? or (
      select true from conversations as merged
      where merged.merged_into_id = conversations.id and merged.channel = ? limit 1))`,
    [channel, channel],
  );
}

/** Those who speak by id, each with all that is shown of it: three queries, however many they are. */
async function findFamilies(knex: Knex, speakerIds: number[]): Promise<Map<number, Family>> {
  const members = await Conversation.query(knex)
    .whereIn('id', speakerIds)
    .orWhereIn('merged_into_id', speakerIds)
    .orderBy('id')
    .withGraphFetched('participants');
  const last = await lastMessages(
    knex,
    members.map(({ id }) => id),
  );
  const bySpeaker = Map.groupBy(members, ({ id, merged_into_id }) => merged_into_id ?? id);
  return new Map(
    [...bySpeaker].map(([id, family]) => {
      const latest = family
        .flatMap((member) => last.get(member.id) ?? [])
        .reduce<LastMessage | undefined>((a, b) => (a && a.id > b.id ? a : b), undefined);
      return [id, { speaker: family[0] as Conversation, members: family, last: latest }];
    }),
  );
}

/** One row for each conversation, read from the end of its index. */
async function lastMessages(knex: Knex, ids: number[]): Promise<Map<number, LastMessage>> {
  const { rows } = await knex.raw<{ rows: LastMessage[] }>(
    `select last.* from unnest(?::bigint[]) as shown(id)
     cross join lateral (
       select conversation_id, messages.id, direction, type, left(body, ?) as preview, created_at
       from messages where conversation_id = shown.id order by messages.id desc limit 1
     ) as last`,
    [ids, PREVIEW_LENGTH],
  );
  return new Map(rows.map((row) => [row.conversation_id, row]));
}

function present({ speaker, members, last }: Family): Schema<'Conversation'> {
  const participants = new Map(
    members.flatMap((member) => member.participants ?? []).map((one) => [one.id, one]),
  );
  return {
    id: speaker.id,
    merged_into: null,
    merged_ids: members.filter((member) => member !== speaker).map(({ id }) => id),
    channels: [...new Set(members.map(({ channel }) => channel))],
    participants: [...participants.values()]
      .sort((a, b) => a.id - b.id)
      .map(({ id, address, kind, name, person }) => ({ id, address, kind, name, person_id: person })),
    message_count: members.reduce((sum, { message_count }) => sum + message_count, 0),
    last_message: last
      ? {
          id: last.id,
          direction: last.direction,
          type: last.type,
          preview: last.preview,
          created_at: last.created_at.toISOString(),
        }
      : null,
    created_at: speaker.created_at.toISOString(),
    last_message_at: speaker.last_message_at.toISOString(),
  };
}
