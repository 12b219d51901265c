import type pg from 'pg';
import { coalesce } from '../db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../db/batch/retry-singly.ts';
import { estimateSize, SIZE_LIMITS } from '../db/batch/size-estimate.ts';
import { storedFunction } from '../db/functions.ts';
import { MissingRowError, retryMissingRows } from '../db/missing-row.ts';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { execute } from '../db/transaction.ts';
import type { Events } from '../observability/events.ts';
import type { Echo } from '../providers/echo.ts';

export type NewReceipt = Pick<
  DeliveryReceipt,
  | 'provider'
  | 'provider_message_id'
  | 'recipient'
  | 'dedupe_key'
  | 'status'
  | 'error'
  | 'bounce'
  | 'occurred_at'
  | 'payload'
> & {
  /** Finds a message whose provider id is not known yet. */
  echo: Echo | null;
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
  idle(): Promise<void>;
}

const LIMITS = { ...SIZE_LIMITS, maxBatch: 256, maxQueue: 10_000, parallel: 2 };

const STORE = { name: 'store-receipts', text: `select * from ${storedFunction('store_receipts')}($1)` };

/** @param onRecorded called after a receipt was committed. */
export function createReceiptRecorder(
  pool: pg.Pool,
  events: Events,
  onRecorded: () => void = () => undefined,
): ReceiptRecorder {
  const storing = retrySingly(
    (receipts: NewReceipt[]) => retryMissingRows(() => store(pool, receipts)),
    toClientError,
  );
  const recording = coalesce(storing, { ...LIMITS, sizeOf: ({ payload }) => estimateSize(payload) });
  return {
    idle: recording.idle,
    record: async (receipt) => {
      const stored = await recording.add(receipt);
      onRecorded();
      events.receiptRecorded({
        provider: stored.provider,
        status: stored.status,
        messageId: stored.message_id,
      });
      return stored;
    },
  };
}

async function store(pool: pg.Pool, receipts: NewReceipt[]): Promise<StoredReceipt[]> {
  const { rows } = await execute<StoredReceipt & { n: number }>(pool, STORE, [
    JSON.stringify(receipts.map((receipt, n) => toRow(receipt, n))),
  ]);
  const byNumber = new Map(rows.map((row) => [row.n, row]));
  return receipts.map((_receipt, n) => {
    const stored = byNumber.get(n);
    if (!stored) throw new MissingRowError('A receipt was deleted while it was stored.');
    return stored;
  });
}

function toRow({ echo, ...receipt }: NewReceipt, n: number): object {
  return { n, ...receipt, message_id: echo?.messageId, delivery_key: echo?.deliveryKey };
}
