import type pg from 'pg';
import { coalesce } from '../db/coalesce.ts';
import { execute } from '../db/connect.ts';
import { isolating } from '../db/isolate.ts';
import { IdempotencyKeyReusedError } from '../errors.ts';
import type { Events } from '../observability/events.ts';
import { findExisting } from './duplicates.ts';
import type { NewMessage } from './new-message.ts';
import { createPlaces, type Place } from './places.ts';
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

/** What `record_messages` answers: each list in the order of the messages. */
interface Written {
  ids: number[];
  created: boolean[];
  own: number[];
  senders: number[];
  speakers: number[];
  created_at: string;
}

const MIB = 1_048_576;
const LIMITS = {
  maxBatch: 128,
  maxQueue: 10_000,
  maxBatchWeight: 8 * MIB,
  maxQueueWeight: 32 * MIB,
  parallel: 2,
};
/** What a message takes in a queue besides its text, in bytes. */
const BASE_WEIGHT = 1_024;

/** One statement, one round trip, one commit: the function is in the migrations. */
const RECORD = { name: 'record-messages', text: 'select record_messages($1, $2, $3, $4) as written' };

/** The recording core: any number of messages in one transaction, concurrent calls together. */
export function createRecorder({ pool, events, onQueued }: RecorderOptions): Recorder {
  const places = createPlaces();

  async function write(messages: NewMessage[]): Promise<(Recorded | Error)[]> {
    const started = performance.now();
    const known = messages.map(places.get);
    const { rows } = await execute<{ written: Written }>(pool, RECORD, toInput(messages, known));
    const { written } = rows[0] as { written: Written };
    messages.forEach((message, index) => {
      if (!known[index]) places.set(message, written.own[index] as number, written.senders[index] as number);
    });
    const results = await answers(pool, messages, written);
    events.batchWritten({ size: messages.length, seconds: (performance.now() - started) / 1000 });
    return results;
  }

  const recording = coalesce(isolating(write), { ...LIMITS, weigh });
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

/** The body counts twice: an inbound one stands in the payload as well. */
function weigh({ row }: NewMessage): number {
  return BASE_WEIGHT + 2 * row.body.length;
}

/** The arguments of `record_messages`. */
function toInput(messages: NewMessage[], known: (Place | undefined)[]): unknown[] {
  const unknown = messages.flatMap(({ channel, sender, participants }, index) => {
    if (known[index]) return [];
    const [addresses, kinds] = [participants.map(({ key }) => key), participants.map(({ kind }) => kind)];
    return [{ n: index + 1, channel, sender: sender.key, participants: addresses, kinds }];
  });
  return [
    known.map((place) => place?.conversationId ?? null),
    known.map((place) => place?.senderId ?? null),
    unknown.length > 0 ? JSON.stringify(unknown) : null,
    JSON.stringify(toRows(messages)),
  ];
}

/** Of the messages that wait to be sent, only the first of each set here can be due at once. */
function toRows(messages: NewMessage[]): object[] {
  const begun = new Set<string>();
  return messages.map(({ participants, row }, index) => {
    const set = row.status === 'queued' ? participants.map(({ key }) => key).join('\n') : null;
    const first = set !== null && !begun.has(set);
    if (first) begun.add(set);
    return withoutNulls({ n: index + 1, first, ...row });
  });
}

/** What is left out is null to PostgreSQL too, and need not be read there. */
function withoutNulls(row: Record<string, unknown>): object {
  for (const key in row) if (row[key] === null) row[key] = undefined;
  return row;
}

async function answers(
  pool: pg.Pool,
  messages: NewMessage[],
  { ids, created, speakers, created_at }: Written,
): Promise<(Recorded | Error)[]> {
  const now = new Date(created_at);
  const repeats = created.includes(false) ? messages.filter((_message, index) => !created[index]) : [];
  const existing = await findExisting(pool, repeats);
  return messages.map((message, index) => {
    if (!created[index]) return existing.get(message) ?? new IdempotencyKeyReusedError();
    const id = ids[index] as number;
    const conversation_id = speakers[index] as number;
    const stored = { ...message.row, id, conversation_id, error: null, created_at: now, updated_at: now };
    return { repeated: false, message: stored };
  });
}
