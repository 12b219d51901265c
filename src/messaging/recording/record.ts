import type pg from 'pg';
import { createLedgerCheck } from '../../consent/check.ts';
import type { HashAddress } from '../../consent/key.ts';
import { coalesce } from '../../db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../../db/batch/retry-singly.ts';
import { estimateSize, SIZE_LIMITS } from '../../db/batch/size-estimate.ts';
import { storedFunction } from '../../db/functions.ts';
import { retryMissingRows } from '../../db/missing-row.ts';
import { execute } from '../../db/transaction.ts';
import { RecipientSuppressedError, UnavailableError } from '../../errors.ts';
import type { Events } from '../../observability/events.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import { initialState, type PresentableMessage, skippedRecipient } from '../message-view.ts';
import { type CachedConversation, ConversationCache } from './conversation-cache.ts';
import type { NewMessage, Recorded } from './new-message.ts';
import { type MessageToRecord, toInput } from './record-input.ts';
import { findExisting, findFirst, type Repeated, withBody } from './replays.ts';
import { checkRecipients, type LedgerResult } from './suppressed-recipients.ts';

export interface Recorder {
  /**
   * Resolves after the message is committed.
   *
   * @throws {IdempotencyKeyReusedError} if the key was used with another request.
   * @throws {InvalidRequestError} if PostgreSQL cannot store a value of the message.
   * @throws {RecipientSuppressedError} if a recipient is suppressed and not skipped, and the message is not a repeat.
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
  text: `select ${storedFunction('record_messages')}($1, $2, $3, $4, $5, $6) as written`,
};

/** Creates a recorder that records concurrent messages in one transaction. */
export function createRecorder({ pool, events, hashAddress, onRecorded }: RecorderOptions): Recorder {
  const cache = new ConversationCache();
  const check = createLedgerCheck(pool, hashAddress);

  /** Calls `record_messages`, and repeats the call without the cache if cached rows were deleted from the database. */
  function call(messages: MessageToRecord[]) {
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
  async function write(messages: MessageToRecord[]): Promise<(PresentableMessage | null)[]> {
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
  const recording = coalesce(recordBatch, {
    ...LIMITS,
    sizeOf: ({ row }) => estimateSize(row.payload ?? row),
  });

  /** The messages that the ledger refuses are not written, but the repeat of a message returns the first message. */
  async function recordBatch(messages: NewMessage[]): Promise<(New | Repeated | null | Error)[]> {
    const checked = await checkRecipients(check, messages);
    const allowed = messages.flatMap((message, index) => {
      const { refusal, skipped } = checked[index] as LedgerResult;
      return refusal ? [] : [{ ...message, skipped }];
    });
    const written = allowed.length > 0 ? await writing(allowed) : [];
    let n = 0;
    const results = checked.map(({ refusal }) => refusal ?? (written[n++] as (typeof written)[number]));
    return withRepeats(pool, messages, results);
  }

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

function toPresentable(
  { row, skipped }: MessageToRecord,
  id: number,
  conversation_id: number,
  created_at: Date,
): PresentableMessage {
  const recipients = skipped.map((recipient) => skippedRecipient(recipient, created_at));
  return { ...row, id, conversation_id, created_at, recipients, ...initialState({ ...row, created_at }) };
}

/**
 * Adds the first messages of repeats to the results; null for a repeat whose first message was deleted. A message that the ledger
 * refuses can be a repeat. The batch is already committed, so an error of this function fails the repeats only.
 */
async function withRepeats(
  pool: pg.Pool,
  messages: NewMessage[],
  results: (PresentableMessage | null | Error)[],
): Promise<(New | Repeated | null | Error)[]> {
  const isRepeat = (result: unknown, { idempotency }: NewMessage) =>
    result === null || (result instanceof RecipientSuppressedError && idempotency !== null);
  const repeats = messages.filter((message, index) => isRepeat(results[index], message));
  const existing = await findExisting(pool, repeats).catch((error: Error) => error);
  return messages.map((message, index) => {
    const result = results[index] as PresentableMessage | null | Error;
    if (isRepeat(result, message)) {
      if (existing instanceof Error) return existing;
      return existing.get(message) ?? (result as Error | null);
    }
    return result instanceof Error ? result : { repeated: false, message: result as PresentableMessage };
  });
}
