import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Address } from './address.ts';
import type { NewMessage } from './new-message.ts';

/** Where a message belongs. */
export interface Resolved {
  conversationId: number;
  /** In the order of the message's `participants`. */
  participantIds: number[];
}

/** The participant who wrote the message. */
export function senderId({ sender, participants }: NewMessage, { participantIds }: Resolved): number {
  return participantIds[participants.findIndex(({ key }) => key === sender.key)] as number;
}

export interface Resolver {
  /** Finds or makes the participants and conversations of these messages, inside the caller's transaction. */
  resolve(connection: pg.PoolClient, messages: NewMessage[]): Promise<Resolved[]>;
  /** Keeps what was resolved; to be called after the commit only. */
  remember(messages: NewMessage[], resolved: Resolved[]): void;
  forget(): void;
}

interface Found {
  id: number;
  key: string;
}

const CACHE_SIZE = 100_000;

const FIND_PARTICIPANTS = {
  name: 'find-participants',
  text: 'select id, address as key from participants where address = any($1::text[])',
};
/** In the order of the addresses, as every writer does, so that two never wait for each other. */
const ADD_PARTICIPANTS = {
  name: 'add-participants',
  text: `insert into participants (address, kind)
    select address, kind from unnest($1::text[], $2::text[]) as missing(address, kind) order by address
    on conflict do nothing`,
};
const FIND_CONVERSATIONS = {
  name: 'find-conversations',
  // One look into the index for each: with a join the planner may read the whole table.
  text: `select found.id, wanted.key from unnest($1::text[]) as wanted(key)
    cross join lateral (select id from conversations where participant_ids = wanted.key::bigint[] limit 1) as found`,
};
const ADD_CONVERSATIONS = {
  name: 'add-conversations',
  text: `with added as (
      insert into conversations (channel, participant_ids)
      select channel, ids::bigint[] from unnest($1::text[], $2::text[]) as missing(channel, ids) order by ids::bigint[]
      on conflict do nothing
      returning id, participant_ids)
    insert into conversation_participants (conversation_id, participant_id)
    select id, unnest(participant_ids) from added`,
};

/**
 * Participants and the sets that they make are never deleted and never change, so what was committed once may be
 * remembered for ever.
 */
export function createResolver(): Resolver {
  const cache = new LRUCache<string, Resolved>({ max: CACHE_SIZE });
  return {
    resolve: async (connection, messages) => {
      const known = messages.map((message) => cache.get(cacheKey(message)));
      const unknown = messages.filter((_message, index) => !known[index]);
      if (unknown.length === 0) return known as Resolved[];
      const found = await lookUp(connection, unknown);
      return messages.map((message, index) => known[index] ?? (found.get(message) as Resolved));
    },
    remember: (messages, resolved) => {
      messages.forEach((message, index) => {
        const key = cacheKey(message);
        if (!cache.has(key)) cache.set(key, resolved[index] as Resolved);
      });
    },
    forget: () => cache.clear(),
  };
}

function cacheKey({ participants }: NewMessage): string {
  return participants.map((participant) => participant.key).join('\n');
}

async function lookUp(connection: pg.PoolClient, messages: NewMessage[]): Promise<Map<NewMessage, Resolved>> {
  const participants = await findOrAdd(
    uniqueBy(
      messages.flatMap((message) => message.participants),
      (address) => address.key,
    ),
    (missing) => rows(connection, FIND_PARTICIPANTS, [keysOf(missing)]),
    (missing) => rows(connection, ADD_PARTICIPANTS, [keysOf(missing), missing.map(({ item }) => item.kind)]),
  );
  const idOf = (address: Address) => participants.get(address.key) as number;
  const setOf = (message: NewMessage) =>
    `{${message.participants
      .map(idOf)
      .sort((a, b) => a - b)
      .join(',')}}`;
  const conversations = await findOrAdd(
    uniqueBy(messages, setOf),
    (missing) => rows(connection, FIND_CONVERSATIONS, [keysOf(missing)]),
    (missing) =>
      rows(connection, ADD_CONVERSATIONS, [missing.map(({ item }) => item.channel), keysOf(missing)]),
  );
  return new Map(
    messages.map((message) => {
      const conversationId = conversations.get(setOf(message)) as number;
      return [message, { conversationId, participantIds: message.participants.map(idOf) }];
    }),
  );
}

interface Keyed<T> {
  key: string;
  item: T;
}

/** Looks before it inserts, so that a repeat draws no id; the unique constraint decides between two who both miss. */
async function findOrAdd<T>(
  wanted: Keyed<T>[],
  find: (missing: Keyed<T>[]) => Promise<Found[]>,
  add: (missing: Keyed<T>[]) => Promise<unknown>,
): Promise<Map<string, number>> {
  const ids = new Map((await find(wanted)).map(({ key, id }) => [key, id]));
  const missing = wanted.filter(({ key }) => !ids.has(key));
  if (missing.length === 0) return ids;
  await add(missing);
  for (const { key, id } of await find(missing)) ids.set(key, id);
  return ids;
}

async function rows(
  connection: pg.PoolClient,
  statement: { name: string; text: string },
  values: unknown[],
): Promise<Found[]> {
  return (await connection.query<Found>(statement, values)).rows;
}

function uniqueBy<T>(items: T[], keyOf: (item: T) => string): Keyed<T>[] {
  return [...new Map(items.map((item) => [keyOf(item), item]))].map(([key, item]) => ({ key, item }));
}

function keysOf(items: Keyed<unknown>[]): string[] {
  return items.map(({ key }) => key);
}
