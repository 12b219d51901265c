import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { Conversation } from '../../db/models/conversation.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { AddressParser } from '../address.ts';
import {
  DEFAULT_LIMIT,
  FREE_BYTES,
  isId,
  isTime,
  PAGE_BYTES,
  type Page,
  type PageQuery,
  pageOf,
  readCursor,
} from '../page.ts';
import { findPeople } from '../people/participants.ts';
import { readQueryTime } from '../time.ts';
import { presentMerged } from './conversations.ts';
import { currentMoment, type Moment } from './moment.ts';

export interface ConversationQuery extends PageQuery {
  participant?: string[] | undefined;
  type?: 'sms' | 'email' | undefined;
  since?: string | undefined;
}

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

/** Of each conversation of a page, itself and those merged into it. */
const MEMBERS = `
  cross join lateral (
    select * from conversations where id = page.id union all
    select * from conversations where merged_into_id = page.id
  ) as member`;

/** What a conversation takes in a response at most, in bytes: itself, each participant, each conversation merged into it. */
const [OWN_BYTES, PARTICIPANT_BYTES, MERGED_BYTES] = [1_500, 1_300, 20];

const SIZE = `
  cross join lateral (
    select ${OWN_BYTES} + ${PARTICIPANT_BYTES} * count(distinct participant_id)
      + ${MERGED_BYTES} * count(distinct member.id) as size
    from (select page.id) as page ${MEMBERS} cross join unnest(member.participant_ids) as participant_id
  ) as sized`;

/** One of these, with the conversation that speaks for it and when that was last active by then. */
type Member = Conversation & { speaker_id: number; activity: Date; size: number; candidates: number };
type Members = [Member, ...Member[]];

/** Where a page ends: the moment that the list is read as of, and its last row. */
type Position = [time: string, lastId: number, activity: string, id: number];

/** What the rows of a page have in common. */
interface Filter {
  /** For each of these people the ids of all their addresses. */
  people: number[][];
  type: 'sms' | 'email' | undefined;
  since: Date | null;
  after: Position | null;
  limit: number;
}

/**
 * The conversations that speak, the most recently active first, as of the moment when the first page was read: one
 * that moves meanwhile is still met where it was, so that none is skipped and none comes twice.
 */
export async function listConversations(
  knex: Knex,
  parse: AddressParser,
  query: ConversationQuery,
  reserve: Reserve,
): Promise<Page<Schema<'Conversation'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<Position>(query.cursor, [isTime, isId, isTime, isId]);
  const since = readQueryTime('since', query.since);
  const addresses = query.participant ?? [];
  const people = await findPeople(knex, parse, addresses, (index) => `/query/participant/${index}`);
  const moment = after ? { time: after[0], lastId: after[1] } : await currentMoment(knex);
  const families = await find(knex, moment, { people, type: query.type, since, after, limit });
  const bytes = families.reduce((sum, [{ size }]) => sum + size, 0);
  if (bytes > FREE_BYTES) await reserve(bytes);
  const shown = await presentMerged(knex, families);
  const last = families.at(-1)?.[0];
  const next: Position | null =
    last && families.length < last.candidates
      ? [moment.time, moment.lastId, last.activity.toISOString(), last.speaker_id]
      : null;
  return pageOf(shown, next, (conversation) => conversation);
}

/** Those that stand where they stood by then, and those that have moved since, where they were. */
async function find(knex: Knex, moment: Moment, { limit, ...given }: Filter): Promise<Members[]> {
  const filter = { ...given, limit: limit + 1 };
  const rest = Conversation.query(knex)
    .where('last_message_at', '<=', moment.time)
    .modify(page(knex, 'last_message_at', filter));
  const moved = Conversation.query(knex)
    .joinRaw(ACTIVITY_BY_THEN, [moment.lastId, moment.time])
    .where('last_message_at', '>', moment.time)
    .modify(page(knex, 'by_then.activity', filter));
  const found = knex
    .unionAll([rest.toKnexQuery(), moved.toKnexQuery()], true)
    .orderBy([
      { column: 'activity', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(filter.limit)
    .as('page');
  const sized = knex
    .from(found)
    .joinRaw(SIZE)
    .select(
      knex.raw(
        `page.*, size, count(*) over () as candidates, row_number() over newest as n, sum(size) over newest as running`,
      ),
    )
    .joinRaw('window newest as (order by activity desc, page.id desc)')
    .as('page');
  const members = await Conversation.query(knex)
    .from(sized as never)
    .joinRaw(MEMBERS)
    .select('member.*', 'page.id as speaker_id', 'page.activity', 'page.size', 'page.candidates')
    .whereRaw('n <= ? and (n = 1 or running <= ?)', [limit, PAGE_BYTES])
    .orderByRaw('page.activity desc, page.id desc, member.id')
    .castTo<Member[]>();
  return [...Map.groupBy(members, ({ speaker_id }) => speaker_id).values()] as Members[];
}

function page(knex: Knex, activity: string, { people, type, since, after, limit }: Filter) {
  return (builder: QueryBuilder<Conversation>): void => {
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
    if (type) whereChannel(builder, type);
    if (since) builder.where(activity, '>=', since);
    if (after) builder.whereRaw('(??, id) < (?::timestamptz, ?)', [activity, after[2], after[3]]);
    builder.orderByRaw('?? desc, id desc', activity).limit(limit);
  };
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
