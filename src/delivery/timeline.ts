import type { Knex } from 'knex';
import type { Model, QueryBuilder } from 'objection';
import type { Delivery } from '../db/models/delivery.ts';
import { DeliveryAction } from '../db/models/delivery-action.ts';
import { DeliveryAttempt } from '../db/models/delivery-attempt.ts';
import { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { firstStatus, Message } from '../db/models/message.ts';
import type { Database } from '../db/pools.ts';
import { NotFoundError } from '../errors.ts';
import { presentError } from '../openapi/error-class.ts';
import { Cursors, DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery } from '../openapi/page.ts';
import type { Schema } from '../openapi/types.ts';
import type { StoredReceipt } from './receipts.ts';

type Entry = Schema<'TimelineEntry'>;
/** Entries with the same time are ordered by type, then by number. */
type Position = [at: string, type: number, number: number];
type Positioned = { entry: Entry; position: Position };
const [RECORDED, ATTEMPT, ACTION, RECEIPT, CURRENT] = [0, 1, 2, 3, 4];

export type Timelines = ReturnType<typeof createTimelines>;

/** Reads the attempts and the timeline of a message. */
export function createTimelines({ knex }: Pick<Database, 'knex'>) {
  return {
    attempts: (id: number, query: PageQuery) => listAttempts(knex, id, query),
    entries: (id: number, query: PageQuery) => listTimeline(knex, id, query),
  };
}

/**
 * The attempts of a message, in order.
 *
 * @throws {NotFoundError} there is no message with this id.
 */
async function listAttempts(
  knex: Knex,
  id: number,
  query: PageQuery,
): Promise<Page<Schema<'DeliveryAttempt'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const cursors = new Cursors<[number]>(`attempts of ${id}`, query, [isAttemptNumber]);
  await findMessage(knex, id);
  const rows = await DeliveryAttempt.query(knex)
    .where('message_id', id)
    .where('number', '>', cursors.after?.[0] ?? 0)
    .orderBy('number')
    .limit(limit + 1);
  const listed = rows.slice(0, limit);
  const last = rows.length > limit ? listed.at(-1) : undefined;
  return cursors.page(listed, last ? [last.number] : null, presentAttempt);
}

/**
 * The history of a message in the order of time: its first status, attempts, receipts, manual actions and current status.
 *
 * @throws {NotFoundError} there is no message with this id.
 */
async function listTimeline(knex: Knex, id: number, query: PageQuery): Promise<Page<Entry>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const cursors = new Cursors<Position>(`timeline of ${id}`, query, [isTime, isEntryType, isId]);
  const message = await findMessage(knex, id);
  const read = <M extends Model>(rows: QueryBuilder<M, M[]>, type: number, time: string, number: string) =>
    rows
      .where('message_id', id)
      .modify((builder) => {
        const { after } = cursors;
        if (after)
          builder.whereRaw('(??, ?::int, ??) > (?::timestamptz, ?::int, ?::bigint)', [
            time,
            type,
            number,
            ...after,
          ]);
      })
      .orderBy([time, number])
      .limit(limit + 1);
  const [attempts, receipts, actions] = await Promise.all([
    read(DeliveryAttempt.query(knex), ATTEMPT as number, 'started_at', 'number'),
    read(DeliveryReceipt.query(knex).select(RECEIPT_COLUMNS), RECEIPT as number, 'received_at', 'id'),
    read(DeliveryAction.query(knex), ACTION as number, 'created_at', 'id'),
  ]);
  const entries: Positioned[] = [
    ...statuses(message).filter(({ position }) => !cursors.after || compare(position, cursors.after) > 0),
    ...attempts.map((attempt) => positionAttempt(attempt)),
    ...receipts.map((receipt) => positionReceipt(receipt)),
    ...actions.map((action) => positionAction(action)),
  ].sort((a, b) => compare(a.position, b.position));
  const listed = entries.slice(0, limit);
  const last = entries.length > limit ? listed.at(-1) : undefined;
  return cursors.page(listed, last?.position ?? null, ({ entry }) => entry);
}

type Found = Pick<Message, 'direction' | 'created_at'> & { delivery?: Delivery | null };

async function findMessage(knex: Knex, id: number): Promise<Found> {
  const message = await Message.query(knex)
    .findById(id)
    .select('id', 'direction', 'created_at')
    .withGraphFetched('delivery');
  if (!message) throw new NotFoundError(`message ${id}`);
  return message;
}

/** The first status, and the current status with the time of the last change. */
function statuses({ direction, created_at, delivery }: Found): Positioned[] {
  const entry = (status: Schema<'MessageStatus'>, time: Date, type: number): Positioned => {
    const at = time.toISOString();
    return { entry: { type: 'status', at, status }, position: [at, type, 0] };
  };
  if (direction === 'inbound' || !delivery) return [entry('received', created_at, RECORDED as number)];
  const first = firstStatus({ direction, created_at, send_at: delivery.send_at });
  const recorded = entry(first, created_at, RECORDED as number);
  if (delivery.status === first) return [recorded];
  return [recorded, entry(delivery.status, delivery.updated_at, CURRENT as number)];
}

/** The column of the number is an `integer`. */
function isAttemptNumber(value: unknown): value is number {
  return isId(value) && value < 2 ** 31;
}

function isEntryType(value: unknown): value is number {
  return isId(value) && value <= (CURRENT as number);
}

function positionAttempt(attempt: DeliveryAttempt): Positioned {
  const at = attempt.started_at.toISOString();
  return {
    entry: { type: 'attempt', at, attempt: presentAttempt(attempt) },
    position: [at, ATTEMPT as number, attempt.number],
  };
}

function positionReceipt(receipt: DeliveryReceipt): Positioned {
  const at = receipt.received_at.toISOString();
  return {
    entry: { type: 'receipt', at, receipt: presentReceipt(receipt) },
    position: [at, RECEIPT as number, receipt.id],
  };
}

function positionAction({ id, action, actor, from_status, created_at }: DeliveryAction): Positioned {
  const at = created_at.toISOString();
  return {
    entry: { type: 'action', at, action: { action, actor, from_status, created_at: at } },
    position: [at, ACTION as number, id],
  };
}

function compare(a: Position, b: Position): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] - b[1] || a[2] - b[2];
}

/** Without the payload, which can be large. */
const RECEIPT_COLUMNS = [
  'id',
  'provider',
  'provider_message_id',
  'recipient',
  'message_id',
  'status',
  'error',
  'bounce',
  'occurred_at',
  'received_at',
];

function presentAttempt({ message_id: _, started_at, next_attempt_at, ...attempt }: DeliveryAttempt) {
  return {
    number: attempt.number,
    provider: attempt.provider,
    started_at: started_at.toISOString(),
    duration_ms: attempt.duration_ms,
    outcome: attempt.outcome,
    http_status: attempt.http_status,
    code: attempt.code,
    detail: attempt.detail,
    class: attempt.class,
    provider_message_id: attempt.provider_message_id,
    next_attempt_at: next_attempt_at?.toISOString() ?? null,
  };
}

export function presentReceipt(receipt: StoredReceipt): Schema<'DeliveryReceipt'> {
  return {
    provider: receipt.provider,
    provider_message_id: receipt.provider_message_id,
    recipient: receipt.recipient,
    message_id: receipt.message_id,
    status: receipt.status,
    error: presentError(receipt.error),
    bounce: receipt.bounce,
    occurred_at: receipt.occurred_at.toISOString(),
    received_at: receipt.received_at.toISOString(),
  };
}
