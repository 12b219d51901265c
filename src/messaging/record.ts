import type pg from 'pg';
import { coalesce } from '../db/coalesce.ts';
import { transaction } from '../db/connect.ts';
import { isolating } from '../db/isolate.ts';
import { lockConversations, releaseFirst } from '../db/turns.ts';
import { IdempotencyKeyReusedError } from '../errors.ts';
import type { Events } from '../observability/events.ts';
import { createResolver, type Resolved, senderId } from './conversation-resolver.ts';
import { findExisting } from './duplicates.ts';
import type { NewMessage } from './new-message.ts';
import type { PresentableMessage } from './present.ts';

/** A message as it is stored: by this call, or (`repeated`) by an earlier one with the same key or provider id. */
export interface Recorded {
  message: PresentableMessage;
  repeated: boolean;
}

export interface Recorder {
  /**
   * Resolves after the commit that holds the message.
   *
   * @throws {IdempotencyKeyReusedError} the key was used with another request.
   * @throws {InvalidRequestError} PostgreSQL cannot hold a value of it.
   * @throws {UnavailableError} the database is away, or too much waits already.
   */
  record(message: NewMessage): Promise<Recorded>;
  /** Resolves when nothing is being recorded. */
  idle(): Promise<void>;
}

export interface RecorderOptions {
  pool: pg.Pool;
  events: Events;
  /** Called after a commit that left messages to be delivered. */
  onQueued: () => void;
}

interface Inserted {
  n: number;
  id: number;
  created: boolean;
  created_at: Date;
}

const LIMITS = { maxBatch: 256, maxQueue: 10_000, parallel: 2 };

/**
 * Runs with the conversations locked, so that ids are drawn in the order in which they become visible. A conversation's
 * first message in a batch may be delivered at once where none is pending before it; the others wait their turn.
 */
const INSERT_MESSAGES = {
  name: 'insert-messages',
  text: `
    with input as materialized (
      select nextval('messages_id_seq') as id, r.*
      from json_to_recordset($1::json) as r(
        n int, conversation_id bigint, sender_id bigint, first boolean, direction text, type text, "from" text,
        "to" text[], cc text[], bcc text[], reply_to text, subject text, body text, attachments text[],
        metadata jsonb, status text, provider text, provider_message_id text, segments smallint,
        "timestamp" timestamptz, send_at timestamptz, payload jsonb, idempotency_key text, request_hash text,
        delivery_key uuid)
    ), inserted as (
      insert into messages (
        id, conversation_id, sender_id, direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
        metadata, status, provider, provider_message_id, segments, "timestamp", send_at, payload, idempotency_key,
        request_hash, delivery_key, next_attempt_at, created_at, updated_at)
      select
        id, conversation_id, sender_id, direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
        metadata, status, provider, provider_message_id, segments, "timestamp", send_at, payload, idempotency_key,
        request_hash, delivery_key,
        case
          when status = 'scheduled' then send_at
          -- Limited, so that it is answered by one look into the index: a plain EXISTS may read the whole queue.
          when status = 'queued' and first and (
            select true from messages as pending
            where pending.conversation_id = input.conversation_id and pending.status in ('queued', 'sending') limit 1
          ) is null then statement_timestamp()
        end,
        statement_timestamp(), statement_timestamp()
      from input
      on conflict do nothing
      returning id, conversation_id
    ), counted as (
      update conversations
      set message_count = message_count + added.messages,
          last_message_at = greatest(last_message_at, statement_timestamp())
      from (select conversation_id, count(*) as messages from inserted group by conversation_id) as added
      -- The list tells the planner that these are few: it would read the whole table otherwise.
      where conversations.id = any($2::bigint[]) and conversations.id = added.conversation_id
    )
    select input.n, input.id, inserted.id is not null as created, statement_timestamp()::timestamptz(3) as created_at
    from input left join inserted using (id)`,
};

/** The recording core: any number of messages in one transaction of a few statements, concurrent calls together. */
export function createRecorder({ pool, events, onQueued }: RecorderOptions): Recorder {
  const resolver = createResolver();

  async function write(messages: NewMessage[]): Promise<(Recorded | Error)[]> {
    const started = performance.now();
    const { results, learnt } = await transaction(pool, async (connection) => {
      const resolved = await resolver.resolve(connection, messages);
      return { results: await insert(connection, messages, resolved), learnt: resolved };
    });
    resolver.remember(messages, learnt);
    events.batchWritten({ size: messages.length, seconds: (performance.now() - started) / 1000 });
    return results;
  }

  const recording = coalesce(isolating(write, resolver.forget), LIMITS);
  return {
    idle: recording.idle,
    record: async (message) => {
      const recorded = await recording.add(message);
      if (recorded.repeated) return recorded;
      events.recorded({ direction: message.row.direction, type: message.row.type });
      if (message.row.direction === 'outbound') onQueued();
      return recorded;
    },
  };
}

async function insert(
  connection: pg.PoolClient,
  messages: NewMessage[],
  resolved: Resolved[],
): Promise<(Recorded | Error)[]> {
  const ids = [...new Set(resolved.map(({ conversationId }) => conversationId))];
  await lockConversations(connection, ids);
  const { rows } = await connection.query<Inserted>(INSERT_MESSAGES, [
    JSON.stringify(toInput(messages, resolved)),
    ids,
  ]);
  const repeats = rows.filter(({ created }) => !created).map(({ n }) => n);
  const existing = await findExisting(
    connection,
    repeats.map((n) => messages[n] as NewMessage),
  );
  // The one that was to go first may have been a repeat.
  if (repeats.some((n) => messages[n]?.row.direction === 'outbound')) await releaseFirst(connection, ids);

  const results: (Recorded | Error)[] = [];
  for (const { n, id, created, created_at } of rows) {
    const { row } = messages[n] as NewMessage;
    const conversation_id = (resolved[n] as Resolved).conversationId;
    if (created)
      results[n] = {
        repeated: false,
        message: { ...row, id, conversation_id, error: null, created_at, updated_at: created_at },
      };
  }
  repeats.forEach((n, index) => {
    results[n] = existing[index] ?? new IdempotencyKeyReusedError();
  });
  return results;
}

function toInput(messages: NewMessage[], resolved: Resolved[]): object[] {
  const begun = new Set<number>();
  return messages.map((message, n) => {
    const place = resolved[n] as Resolved;
    const first = message.row.status === 'queued' && !begun.has(place.conversationId);
    if (first) begun.add(place.conversationId);
    const sender_id = senderId(message, place);
    return { n, conversation_id: place.conversationId, sender_id, first, ...message.row };
  });
}
