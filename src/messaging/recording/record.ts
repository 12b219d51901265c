import type pg from 'pg';
import {
  FIND_SUPPRESSIONS,
  type FoundSuppression,
  ledgerValues,
  readSuppressed,
} from '../../consent/check.ts';
import type { HashAddress } from '../../consent/key.ts';
import { coalesce } from '../../db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../../db/batch/retry-singly.ts';
import { estimateSize, SIZE_LIMITS } from '../../db/batch/size-estimate.ts';
import type { Caches } from '../../db/caches.ts';
import { storedFunction } from '../../db/functions.ts';
import { retryMissingRows } from '../../db/missing-row.ts';
import { knexOver } from '../../db/pools.ts';
import { execute } from '../../db/transaction.ts';
import { InvalidRequestError, UnavailableError } from '../../errors.ts';
import type { Events } from '../../observability/events.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import { nameMedia } from '../email/attachments.ts';
import { toEmailRow } from '../email/new-email.ts';
import { initialState, type PresentableMessage } from '../message-view.ts';
import { removedMedia } from '../named-media.ts';
import { skippedRecipient } from '../recipients-view.ts';
import { type CachedConversation, ConversationCache } from './conversation-cache.ts';
import type { NewMessage, Recorded } from './new-message.ts';
import { type MessageToRecord, toInput } from './record-input.ts';
import { findFirst, type Result, withBody, withRepeats } from './replays.ts';
import { applySuppressions, toChecked } from './suppressed-recipients.ts';

export interface Recorder {
  /**
   * Resolves after the message is committed.
   *
   * @throws {IdempotencyKeyReusedError} if the key was used with another request.
   * @throws {InvalidRequestError} if PostgreSQL cannot store a value of the message, or a file that it names was removed.
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
  caches: Caches;
  /** Called after a new message was committed. */
  onRecorded: (direction: Schema<'Direction'>) => void;
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

/** Checks the recipients against the ledger first, and records nothing if one of them is suppressed. */
const RECORD_IF_ALLOWED = {
  name: 'record-messages-if-allowed',
  text: `
    select suppressed, case when suppressed is null then
      ${storedFunction('record_messages')}($1, $2, $3, $4, $5, $6) end as written
    from (
      select json_agg(found) as suppressed from ${FIND_SUPPRESSIONS}($7, $8, $9) as found
    ) as ledger`,
};

/** Creates a recorder that records concurrent messages in one transaction. */
export function createRecorder({ pool, events, hashAddress, caches, onRecorded }: RecorderOptions): Recorder {
  const cache = new ConversationCache();
  caches.add(() => cache.clear());
  const knex = knexOver(pool);

  /** Calls `record_messages`, and repeats the call without the cache if cached rows were deleted from the database. */
  function call(messages: MessageToRecord[], statement: typeof RECORD, more: unknown[] = []) {
    const attempt = async () => {
      const known = messages.map((message) => cache.get(message));
      const values = [...toInput(messages, known, hashAddress), ...more];
      const { rows } = await execute<{ written: Written; suppressed?: FoundSuppression[] | null }>(
        pool,
        statement,
        values,
      );
      return { written: rows[0]?.written as Written, suppressed: rows[0]?.suppressed ?? null, known };
    };
    return retryMissingRows(attempt, () => {
      for (const message of messages) cache.delete(message);
    });
  }

  type Called = Pick<Awaited<ReturnType<typeof call>>, 'written' | 'known'>;

  function toResults(messages: MessageToRecord[], { written, known }: Called): (PresentableMessage | null)[] {
    const at = new Date(written.created_at);
    return messages.map((message, index) => {
      if (!written.created[index]) return null;
      if (!known[index]) cache.set(message, conversationOf(written, index));
      return toPresentable(message, written.ids[index] as number, written.primary_ids[index] as number, at);
    });
  }

  /** Writes messages of which some have suppressed recipients: those that are not refused. */
  async function writeAllowed(messages: NewMessage[], found: FoundSuppression[]): Promise<Result[]> {
    const suppressed = await readSuppressed(knex, messages.map(toChecked), found);
    const checked = messages.map((message, index) => ({
      ...message,
      ...applySuppressions(message, suppressed[index] ?? []),
    }));
    const allowed = checked.filter(({ refusal }) => refusal === null);
    const written = allowed.length > 0 ? toResults(allowed, await call(allowed, RECORD)) : [];
    let n = 0;
    return checked.map(({ refusal }) => refusal ?? (written[n++] as PresentableMessage | null));
  }

  /** The stored messages; null for a repeat of a message that was stored before, an error for a message that the ledger refuses. */
  async function write(messages: NewMessage[]): Promise<Result[]> {
    const started = performance.now();
    const unchecked = messages.map((message) => ({ ...message, skipped: [] }));
    const isOutbound = messages.some(({ recipients }) => recipients.length > 0);
    const called = isOutbound
      ? await call(unchecked, RECORD_IF_ALLOWED, ledgerValues(messages.map(toChecked), hashAddress))
      : await call(unchecked, RECORD);
    const { suppressed } = called;
    const results = suppressed ? await writeAllowed(messages, suppressed) : toResults(unchecked, called);
    events.batchWritten({ size: messages.length, seconds: (performance.now() - started) / 1000 });
    return results;
  }

  const writing = retrySingly(write, toRequestError);
  const recording = coalesce(
    async (messages: NewMessage[]) => withRepeats(pool, messages, await writing(messages)),
    { ...LIMITS, sizeOf: ({ row, email }) => estimateSize([row, email]) },
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

function toRequestError(error: Error, { storedFiles }: NewMessage): Error {
  const fault = removedMedia(error, storedFiles);
  return fault ? new InvalidRequestError([fault]) : toClientError(error);
}

function conversationOf(written: Written, index: number): CachedConversation {
  return {
    conversationId: written.conversation_ids[index] as number,
    senderId: written.sender_ids[index] as number,
    createdAt: written.conversations_created_at[index] as string,
  };
}

function toPresentable(
  { row, media, mediaNames, email, skipped }: MessageToRecord,
  id: number,
  conversation_id: number,
  created_at: Date,
): PresentableMessage {
  const recipients = skipped.map((recipient) => skippedRecipient(recipient, created_at));
  const own = {
    ...{ id, conversation_id, created_at, recipients, redacted_at: null },
    media: nameMedia(media, mediaNames),
    email: email && toEmailRow(email),
  };
  return { ...row, ...own, ...initialState({ ...row, created_at }) };
}
