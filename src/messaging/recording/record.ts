import type pg from 'pg';
import type { HashAddress } from '../../consent/key.ts';
import { coalesce } from '../../db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../../db/batch/retry-singly.ts';
import { estimateSize, SIZE_LIMITS } from '../../db/batch/size-estimate.ts';
import { storedFunction } from '../../db/functions.ts';
import { retryMissingRows } from '../../db/missing-row.ts';
import { execute } from '../../db/transaction.ts';
import { UnavailableError } from '../../errors.ts';
import type { Events } from '../../observability/events.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import { initialState, type PresentableMessage } from '../message-view.ts';
import { type CachedConversation, ConversationCache } from './conversation-cache.ts';
import type { NewMessage, Recorded } from './new-message.ts';
import { findExisting, findFirst, type Repeated, withBody } from './replays.ts';

export interface Recorder {
  /**
   * Resolves after the message is committed.
   *
   * @throws {IdempotencyKeyReusedError} if the key was used with another request.
   * @throws {InvalidRequestError} if PostgreSQL cannot store a value of the message.
   * @throws {UnavailableError} if the database is unavailable, the queue is full, or rows that the message needs are being
   *   deleted.
   */
  record(message: NewMessage, reserve: Reserve): Promise<Recorded>;
  /**
   * The first message of a repeated request; null if the request has no key, or a new one.
   *
   * @throws {IdempotencyKeyReusedError} if the key was used with another request.
   */
  findFirst(message: NewMessage, reserve: Reserve): Promise<Recorded | null>;
  /** Resolves when no message is being recorded. */
  idle(): Promise<void>;
}

export interface RecorderOptions {
  pool: pg.Pool;
  events: Events;
  hashAddress: HashAddress;
  /** Called after a new message was committed. */
  onRecorded: (direction: Schema<'Direction'>) => void;
}

/** A message that was not stored before. */
interface New {
  repeated: false;
  message: PresentableMessage;
}

/** The result of `record_messages`. Each list is in the order of the messages. */
interface Written {
  ids: number[];
  created: boolean[];
  conversation_ids: number[];
  sender_ids: number[];
  conversations_created_at: string[];
  primary_ids: number[];
  created_at: string;
}

const LIMITS = { ...SIZE_LIMITS, maxBatch: 128, maxQueue: 10_000, parallel: 2 };

const RECORD = {
  name: 'record-messages',
  text: `select ${storedFunction('record_messages')}($1, $2, $3, $4, $5) as written`,
};

/** Creates a recorder that records concurrent messages in one transaction. */
export function createRecorder({ pool, events, hashAddress, onRecorded }: RecorderOptions): Recorder {
  const cache = new ConversationCache();

  /** Calls `record_messages`, and repeats the call without the cache if cached rows were deleted from the database. */
  function call(messages: NewMessage[]) {
    const attempt = async () => {
      const known = messages.map((message) => cache.get(message));
      const { rows } = await execute<{ written: Written }>(
        pool,
        RECORD,
        toInput(messages, known, hashAddress),
      );
      return { written: rows[0]?.written as Written, known };
    };
    return retryMissingRows(attempt, () => {
      for (const message of messages) cache.delete(message);
    });
  }

  /** The stored messages; null for a repeat of a message that was stored before. */
  async function write(messages: NewMessage[]): Promise<(PresentableMessage | null)[]> {
    const started = performance.now();
    const { written, known } = await call(messages);
    events.batchWritten({ size: messages.length, seconds: (performance.now() - started) / 1000 });
    const at = new Date(written.created_at);
    return messages.map((message, index) => {
      if (!written.created[index]) return null;
      if (!known[index]) cache.set(message, conversationOf(written, index));
      return toPresentable(message, written.ids[index] as number, written.primary_ids[index] as number, at);
    });
  }

  const writing = retrySingly(write, toClientError);
  const recording = coalesce(
    async (messages: NewMessage[]) => withRepeats(pool, messages, await writing(messages)),
    { ...LIMITS, sizeOf: ({ row }) => estimateSize(row.payload ?? row) },
  );

  /** Null for a repeat if its first message was deleted before it was read. */
  async function recordOnce(message: NewMessage, reserve: Reserve): Promise<Recorded | null> {
    const written = await recording.add(message);
    return written?.repeated ? withBody(pool, written, reserve) : written;
  }

  return {
    idle: recording.idle,
    findFirst: (message, reserve) => findFirst(pool, message, reserve),
    record: async (message, reserve) => {
      // After a deletion of the first message, the second call records the repeat as a new message.
      const recorded = (await recordOnce(message, reserve)) ?? (await recordOnce(message, reserve));
      if (!recorded) throw new UnavailableError('The first message of a repeated request was deleted.');
      if (recorded.repeated) return recorded;
      events.recorded({ direction: message.row.direction, type: message.row.type });
      onRecorded(message.row.direction);
      return recorded;
    },
  };
}

function conversationOf(written: Written, index: number): CachedConversation {
  return {
    conversationId: written.conversation_ids[index] as number,
    senderId: written.sender_ids[index] as number,
    createdAt: written.conversations_created_at[index] as string,
  };
}

/** The arguments of `record_messages`. */
function toInput(
  messages: NewMessage[],
  known: (CachedConversation | undefined)[],
  hashAddress: HashAddress,
): unknown[] {
  const unknown = messages.flatMap(({ channel, sender, participants }, index) => {
    if (known[index]) return [];
    const [addresses, types] = [participants.map(({ key }) => key), participants.map(({ type }) => type)];
    return [{ n: index + 1, channel, sender: sender.key, participants: addresses, address_types: types }];
  });
  return [
    known.map((cached) => cached?.conversationId ?? null),
    known.map((cached) => cached?.senderId ?? null),
    known.map((cached) => cached?.createdAt ?? null),
    unknown.length > 0 ? JSON.stringify(unknown) : null,
    JSON.stringify(toRows(messages, hashAddress)),
  ];
}

/** The columns of the messages. */
function toRows(messages: NewMessage[], hashAddress: HashAddress): object[] {
  return messages.map(({ row, idempotency }, index) =>
    withoutNulls({
      ...{ n: index + 1, ...row, ...keyColumns(idempotency) },
      recipient_hashes: row.direction === 'outbound' ? hashesOf(row, hashAddress) : null,
    }),
  );
}

/** The hashes of the recipients in the input format of `bytea`. */
function hashesOf({ to, cc, bcc }: NewMessage['row'], hashAddress: HashAddress): string[] {
  return [to, cc ?? [], bcc ?? []].flat().map((address) => `\\x${hashAddress(address)}`);
}

function keyColumns(idempotency: NewMessage['idempotency']) {
  if (idempotency === null) return null;
  const { apiKeyName, key, requestHash } = idempotency;
  return { api_key_name: apiKeyName, idempotency_key: key, request_hash: requestHash };
}

/** Omits null values, because `json_to_recordset` reads a missing field as null. */
function withoutNulls(row: Record<string, unknown>): object {
  for (const key in row) if (row[key] === null) row[key] = undefined;
  return row;
}

function toPresentable(
  { row }: NewMessage,
  id: number,
  conversation_id: number,
  created_at: Date,
): PresentableMessage {
  return { ...row, id, conversation_id, created_at, ...initialState({ ...row, created_at }) };
}

/**
 * Adds the first messages of repeats to the results; null for a repeat whose first message was deleted. The batch is already
 * committed, so an error of this function fails the repeats only.
 */
async function withRepeats(
  pool: pg.Pool,
  messages: NewMessage[],
  results: (PresentableMessage | null | Error)[],
): Promise<(New | Repeated | null | Error)[]> {
  const repeats = messages.filter((_message, index) => results[index] === null);
  const existing = await findExisting(pool, repeats).catch((error: Error) => error);
  return messages.map((message, index) => {
    const result = results[index] as PresentableMessage | null | Error;
    if (result instanceof Error) return result;
    if (result !== null) return { repeated: false, message: result };
    if (existing instanceof Error) return existing;
    return existing.get(message) ?? null;
  });
}
