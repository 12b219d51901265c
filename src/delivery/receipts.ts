import type pg from 'pg';
import { coalesce } from '../db/batch/coalesce.ts';
import { retrySingly, toClientError } from '../db/batch/retry-singly.ts';
import { estimateSize, SIZE_LIMITS } from '../db/batch/size-estimate.ts';
import { storedFunction } from '../db/functions.ts';
import { MissingRowError, retryMissingRows } from '../db/missing-row.ts';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { transaction } from '../db/transaction.ts';
import type { Events } from '../observability/events.ts';
import type { Echo } from '../providers/echo.ts';

export type NewReceipt = Pick<
  DeliveryReceipt,
  'provider' | 'provider_message_id' | 'status' | 'error' | 'occurred_at' | 'payload'
> & {
  /** Finds a message whose provider id is not known yet. */
  echo: Echo | null;
};
export type StoredReceipt = Pick<
  DeliveryReceipt,
  'provider' | 'provider_message_id' | 'message_id' | 'status' | 'error' | 'occurred_at' | 'received_at'
>;

export interface ReceiptRecorder {
  /** Stores a receipt and advances the status of its message. A repeated receipt is stored once. */
  record(receipt: NewReceipt): Promise<StoredReceipt>;
  idle(): Promise<void>;
}

const LIMITS = { ...SIZE_LIMITS, maxBatch: 256, maxQueue: 10_000, parallel: 2 };

const STORE = { name: 'store-receipts', text: `select ${storedFunction('store_receipts')}($1)` };

const FIND = {
  name: 'find-receipts',
  text: `
    select provider, provider_message_id, message_id, status, error, occurred_at, received_at from delivery_receipts
    where (provider, provider_message_id, status) in (select * from unnest($1::text[], $2::text[], $3::text[]))`,
};

export function createReceiptRecorder(pool: pg.Pool, events: Events): ReceiptRecorder {
  const store = (receipts: NewReceipt[]) =>
    transaction(pool, async (connection) => {
      await connection.query(STORE, [JSON.stringify(receipts)]);
      const { rows } = await connection.query<StoredReceipt>(FIND, [
        receipts.map((receipt) => receipt.provider),
        receipts.map((receipt) => receipt.provider_message_id),
        receipts.map((receipt) => receipt.status),
      ]);
      const byKey = new Map(rows.map((row) => [keyOf(row), row]));
      return receipts.map((receipt) => {
        const stored = byKey.get(keyOf(receipt));
        if (!stored) throw new MissingRowError('A receipt was deleted while it was stored.');
        return stored;
      });
    });
  const storing = retrySingly(
    (receipts: NewReceipt[]) => retryMissingRows(() => store(receipts)),
    toClientError,
  );
  const recording = coalesce(storing, { ...LIMITS, sizeOf: ({ payload }) => estimateSize(payload) });
  return {
    idle: recording.idle,
    record: async (receipt) => {
      const stored = await recording.add(receipt);
      events.receiptRecorded({
        provider: stored.provider,
        status: stored.status,
        messageId: stored.message_id,
      });
      return stored;
    },
  };
}

function keyOf({
  provider,
  provider_message_id,
  status,
}: Pick<StoredReceipt, 'provider' | 'provider_message_id' | 'status'>): string {
  return JSON.stringify([provider, provider_message_id, status]);
}
