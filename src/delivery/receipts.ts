import type pg from 'pg';
import type { HashAddress } from '../consent/key.ts';
import { provesRollback } from '../db/availability.ts';
import { coalesce } from '../db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../db/batch/retry-singly.ts';
import { estimateSize, SIZE_LIMITS } from '../db/batch/size-estimate.ts';
import { storedFunction } from '../db/functions.ts';
import { MissingRowError, retryMissingRows } from '../db/missing-row.ts';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { execute, transaction } from '../db/transaction.ts';
import type { Events } from '../observability/events.ts';
import type { Echo } from '../providers/echo.ts';

export type NewReceipt = Pick<
  DeliveryReceipt,
  | 'provider'
  | 'provider_message_id'
  | 'recipient'
  | 'of_one'
  | 'dedupe_key'
  | 'status'
  | 'error'
  | 'bounce'
  | 'wire_message_id'
  | 'occurred_at'
  | 'payload'
> & {
  /** Finds a message whose provider id is not known yet. */
  echo: Echo | null;
  /** The hash of `recipient` in the ledger, in hexadecimal. */
  recipient_hash?: string;
};
export type StoredReceipt = Pick<
  DeliveryReceipt,
  | 'provider'
  | 'provider_message_id'
  | 'recipient'
  | 'message_id'
  | 'status'
  | 'error'
  | 'bounce'
  | 'occurred_at'
  | 'received_at'
>;

export interface ReceiptRecorder {
  /** Stores a receipt and advances the status of its message. A repeated receipt is stored once. */
  record(receipt: NewReceipt): Promise<StoredReceipt>;
  /**
   * Stores the receipts of one webhook in one transaction; more than `MAX_TOGETHER` in several. If a receipt cannot be stored, the
   * others are. Returns the stored receipt, or the error, of each.
   *
   * @throws {UnavailableError} if the database is unavailable; some receipts may be committed.
   */
  recordAll(receipts: readonly NewReceipt[]): Promise<(StoredReceipt | Error)[]>;
  idle(): Promise<void>;
}

/**
 * Max receipts in a transaction. Each locks its provider message id, and a PostgreSQL with default settings has room for 6,400 locks
 * (`max_locks_per_transaction` × `max_connections`).
 */
const MAX_TOGETHER = 2_000;
const LIMITS = { ...SIZE_LIMITS, maxBatch: 256, maxQueue: 10_000, parallel: 2 };

/** All rows before the first receipt is stored, so that the transaction does not deadlock with others. */
const LOCK = { name: 'lock-receipts', text: `select ${storedFunction('lock_receipts')}($1)` };
const STORE = { name: 'store-receipts', text: `select * from ${storedFunction('store_receipts')}($1)` };

/**
 * @param onRecorded called after a receipt was committed.
 * @param hashAddress finds the recipients of messages who were erased before the receipt.
 */
export function createReceiptRecorder(
  pool: pg.Pool,
  events: Events,
  onRecorded: () => void = () => undefined,
  hashAddress: HashAddress | null = null,
): ReceiptRecorder {
  const hashed = (receipt: NewReceipt): NewReceipt =>
    receipt.recipient && hashAddress
      ? { ...receipt, recipient_hash: hashAddress(receipt.recipient) }
      : receipt;
  const storing = retrySingly(
    (receipts: NewReceipt[]) => retryMissingRows(() => store(pool, receipts)),
    toClientError,
  );
  const recording = coalesce(storing, { ...LIMITS, sizeOf });
  const reported = (stored: StoredReceipt) => {
    events.receiptRecorded({
      provider: stored.provider,
      status: stored.status,
      messageId: stored.message_id,
    });
    return stored;
  };
  /** One transaction at a time, because each can have many locks. */
  let last: Promise<unknown> = Promise.resolve();
  const storeTogether = (receipts: readonly NewReceipt[]) => {
    const stored = last.then(() => storeAll(pool, receipts, storing));
    last = stored.catch(() => undefined);
    return stored;
  };
  return {
    idle: async () => void (await Promise.all([recording.idle(), last])),
    record: async (receipt) => {
      const stored = await recording.add(hashed(receipt));
      onRecorded();
      return reported(stored);
    },
    recordAll: async (receipts) => {
      const results: (StoredReceipt | Error)[] = [];
      for (let start = 0; start < receipts.length; start += MAX_TOGETHER) {
        results.push(...(await storeTogether(receipts.slice(start, start + MAX_TOGETHER).map(hashed))));
        onRecorded();
      }
      return results.map((result) => (result instanceof Error ? result : reported(result)));
    },
  };
}

/** Stores receipts in one transaction. If the server refuses one of them, each statement is a transaction of its own, or each receipt. */
async function storeAll(
  pool: pg.Pool,
  receipts: readonly NewReceipt[],
  storing: (receipts: NewReceipt[]) => Promise<(StoredReceipt | Error)[]>,
): Promise<(StoredReceipt | Error)[]> {
  const parts = statementsOf(receipts);
  const keys = JSON.stringify(receipts.map(toKeys));
  try {
    return await retryMissingRows(() =>
      transaction(pool, async (connection) => {
        await connection.query(LOCK, [keys]);
        const stored: StoredReceipt[] = [];
        for (const part of parts)
          stored.push(...inOrder(part, await connection.query(STORE, [toInput(part)])));
        return stored;
      }),
    );
  } catch (error) {
    if (!provesRollback(error)) throw error;
    const results: (StoredReceipt | Error)[] = [];
    for (const part of parts) results.push(...(await storing(part)));
    return results;
  }
}

/** The receipts of each statement, which are as few and as small as those of a batch. */
function statementsOf(receipts: readonly NewReceipt[]): NewReceipt[][] {
  const parts: NewReceipt[][] = [];
  let bytes = 0;
  for (const receipt of receipts) {
    const [size, part] = [sizeOf(receipt), parts.at(-1)];
    if (part && part.length < LIMITS.maxBatch && bytes + size <= LIMITS.maxBatchBytes) {
      part.push(receipt);
      bytes += size;
    } else {
      parts.push([receipt]);
      bytes = size;
    }
  }
  return parts;
}

function sizeOf({ payload }: NewReceipt): number {
  return estimateSize(payload);
}

async function store(pool: pg.Pool, receipts: NewReceipt[]): Promise<StoredReceipt[]> {
  return inOrder(receipts, await execute(pool, STORE, [toInput(receipts)]));
}

function toInput(receipts: NewReceipt[]): string {
  return JSON.stringify(receipts.map((receipt, n) => toRow(receipt, n)));
}

/** The stored receipts in the order of the given receipts. */
function inOrder(
  receipts: NewReceipt[],
  { rows }: { rows: (StoredReceipt & { n: number })[] },
): StoredReceipt[] {
  const byNumber = new Map(rows.map((row) => [row.n, row]));
  return receipts.map((_receipt, n) => {
    const stored = byNumber.get(n);
    if (!stored) throw new MissingRowError('A receipt was deleted while it was stored.');
    return stored;
  });
}

function toRow(receipt: NewReceipt, n: number): object {
  const { echo, ...columns } = receipt;
  return { n, ...columns, ...toKeys(receipt) };
}

/** The keys by which a receipt finds its message. */
function toKeys({ provider, provider_message_id, echo }: NewReceipt): object {
  return { provider, provider_message_id, message_id: echo?.messageId, delivery_key: echo?.deliveryKey };
}
