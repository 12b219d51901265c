import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { Conversation } from '../../db/models/conversation.ts';
import {
  Cursors,
  DEFAULT_LIMIT,
  FREE_BYTES,
  isId,
  isTime,
  PAGE_BYTES,
  type Page,
  type PageQuery,
} from '../../openapi/page.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { AddressParser } from '../address.ts';
import { findByExternalId, findPeople } from '../people/addresses.ts';
import { readQueryTime } from '../time.ts';
import { COLUMNS, type MergedConversation, presentMerged } from './conversations.ts';

export interface ConversationQuery extends PageQuery {
  sort?: Sort | undefined;
  participant?: string[] | undefined;
  participant_external_id?: string | undefined;
  external_id?: string | undefined;
  type?: 'sms' | 'email' | undefined;
  since?: string | undefined;
}

/** The conversations of a page and the conversations that are merged into them. */
const MEMBERS = `
  cross join lateral (
    select * from conversations where id = page.id union all
    select * from conversations where merged_into_id = page.id
  ) as member`;

/** Upper bounds for the bytes of a conversation in a response: fixed, for each participant, for each merged conversation. */
const [OWN_BYTES, PARTICIPANT_BYTES, MERGED_BYTES] = [2_600, 2_400, 20];

const SIZE = `
  cross join lateral (
    select ${OWN_BYTES} + ${PARTICIPANT_BYTES} * count(distinct participant.id)
      + ${MERGED_BYTES} * count(distinct member.id)
      + coalesce(sum(octet_length(member.own_metadata::text)) filter (where participant.n = 1), 0) as size
    from (select page.id) as page ${MEMBERS}
    cross join unnest(member.participant_ids) with ordinality as participant(id, n)
  ) as sized`;

/** A conversation of a page, or a conversation that is merged into a conversation of the page. */
type Member = MergedConversation[number] & { primary_id: number; size: number; candidates: number };
type Members = [Member, ...Member[]];

/** The position of a conversation. A list in the order of the ids uses the id only. */
type Position = [activity: string, id: number];

interface Filter {
  /** The ids of all addresses of each person. */
  people: number[][];
  externalId: string | undefined;
  type: 'sms' | 'email' | undefined;
  since: Date | null;
  after: Position | null;
  sort: Sort;
  limit: number;
}

type Sort = 'activity' | 'id';
const ORDER = { activity: 'last_message_at desc, id desc', id: 'id' };

/** A page of primary conversations with their participants and last message. */
export async function listConversations(
  knex: Knex,
  parse: AddressParser,
  query: ConversationQuery,
  reserve: Reserve,
): Promise<Page<Schema<'Conversation'>>> {
  const { limit = DEFAULT_LIMIT, sort = 'activity' } = query;
  const cursors = new Cursors<Position>('conversations', query, [isTime, isId]);
  const since = readQueryTime('since', query.since);
  const addresses = query.participant ?? [];
  const people = await findPeople(knex, parse, addresses, (index) => `/query/participant/${index}`);
  if (query.participant_external_id !== undefined)
    people.push(await findByExternalId(knex, query.participant_external_id));
  const { external_id: externalId, type } = query;
  const found = await find(knex, { people, externalId, type, since, after: cursors.after, sort, limit });
  const bytes = found.reduce((sum, [{ size }]) => sum + size, 0);
  if (bytes > FREE_BYTES) await reserve(bytes);
  const shown = await presentMerged(knex, found);
  const last = found.at(-1)?.[0];
  const next: Position | null =
    last && found.length < last.candidates ? [last.last_message_at.toISOString(), last.primary_id] : null;
  return cursors.page(shown, next, (conversation) => conversation);
}

async function find(knex: Knex, filter: Filter): Promise<Members[]> {
  const order = ORDER[filter.sort].replaceAll('id', 'page.id');
  const candidates = Conversation.query(knex).modify(filterBy(filter)).as('page');
  const sized = knex
    .from(candidates.toKnexQuery().as('page'))
    .joinRaw(SIZE)
    .select(
      knex.raw(
        `page.*, size, count(*) over () as candidates, row_number() over listed as n, sum(size) over listed as running`,
      ),
    )
    .joinRaw(`window listed as (order by ${order})`)
    .as('page');
  const members = await Conversation.query(knex)
    .from(sized as never)
    .joinRaw(MEMBERS)
    .select(
      ...COLUMNS.map((column) => `member.${column}`),
      'page.id as primary_id',
      'page.size',
      'page.candidates',
    )
    .whereRaw('n <= ? and (n = 1 or running <= ?)', [filter.limit, PAGE_BYTES])
    .orderByRaw('n, member.id')
    .castTo<Member[]>();
  return [...Map.groupBy(members, ({ primary_id }) => primary_id).values()] as Members[];
}

function filterBy({ people, externalId, type, since, after, sort, limit }: Filter) {
  return (builder: QueryBuilder<Conversation>): void => {
    builder.select('id', 'last_message_at').whereNull('merged_into_id');
    // Merged conversations have the same people as their primary conversation.
    for (const addresses of people) {
      builder.whereIn('id', (inner) =>
        inner
          .from('conversation_participants')
          .select('conversation_id')
          .whereRaw('participant_id = any(?)', [addresses]),
      );
    }
    if (externalId !== undefined)
      builder.whereRaw(
        'id = (select coalesce(merged_into_id, id) from conversations where external_id = ?)',
        externalId,
      );
    if (type) whereChannel(builder, type);
    if (since) builder.where('last_message_at', '>=', since);
    if (after && sort === 'activity') builder.whereRaw('(last_message_at, id) < (?::timestamptz, ?)', after);
    if (after && sort === 'id') builder.where('id', '>', after[1]);
    builder.orderByRaw(ORDER[sort]).limit(limit + 1);
  };
}

/** LIMIT makes the planner use the index of merged conversations; with EXISTS it may read all merged conversations. */
function whereChannel(builder: QueryBuilder<Conversation>, channel: 'sms' | 'email'): void {
  builder.whereRaw(
    `(channel = ? or (
      select true from conversations as merged
      where merged.merged_into_id = conversations.id and merged.channel = ? limit 1))`,
    [channel, channel],
  );
}
