import type pg from 'pg';
import { coalesce } from '../db/coalesce.ts';
import { transaction } from '../db/connect.ts';
import { isolating } from '../db/isolate.ts';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import type { Events } from '../observability/events.ts';

export type NewReceipt = Pick<
  DeliveryReceipt,
  'provider' | 'provider_message_id' | 'status' | 'error' | 'occurred_at' | 'payload'
>;
export type StoredReceipt = Pick<
  DeliveryReceipt,
  'provider' | 'provider_message_id' | 'message_id' | 'status' | 'error' | 'occurred_at' | 'received_at'
>;

export interface ReceiptTaker {
  /** Stores a receipt, once however often it comes, and moves its message forward. */
  take(receipt: NewReceipt): Promise<StoredReceipt>;
  idle(): Promise<void>;
}

const LIMITS = { maxBatch: 256, maxQueue: 10_000, parallel: 2 };

/** In one order for all, so that two batches never wait for each other. */
const LOCK_IDS = {
  name: 'lock-provider-message-ids',
  text: `
    select pg_advisory_xact_lock(hash)
    from (select distinct hashtextextended(id, 0) as hash from unnest($1::text[]) as ids(id) order by 1) as hashes`,
};

const STORE = {
  name: 'store-receipts',
  text: `
    insert into delivery_receipts (provider, provider_message_id, message_id, status, error, occurred_at, payload)
    select input.provider, input.provider_message_id, messages.id, input.status, input.error, occurred_at, input.payload
    from json_to_recordset($1::json) as input(
      provider text, provider_message_id text, status text, error jsonb, occurred_at timestamptz, payload jsonb)
    left join messages on messages.direction = 'outbound' and messages.provider = input.provider
      and messages.provider_message_id = input.provider_message_id
    on conflict do nothing`,
};

const FIND = {
  name: 'find-receipts',
  text: `
    select provider, provider_message_id, message_id, status, error, occurred_at, received_at from delivery_receipts
    where (provider, provider_message_id, status) in (select * from unnest($1::text[], $2::text[], $3::text[]))`,
};

const ADOPT = {
  name: 'adopt-receipts',
  text: `
    update delivery_receipts set message_id = messages.id
    from messages
    where messages.id = any($1::bigint[]) and delivery_receipts.message_id is null
      and delivery_receipts.provider = messages.provider
      and delivery_receipts.provider_message_id = messages.provider_message_id
    returning messages.id`,
};

const RANK = (status: string) => `case ${status}
  when 'scheduled' then 0 when 'queued' then 1 when 'sending' then 2 when 'unknown' then 3 when 'sent' then 4 else 5 end`;

/** A status only moves forward, in whatever order the receipts came; of two final ones the first stands. */
const APPLY = {
  name: 'apply-receipts',
  text: `
    update messages set status = best.status, error = best.error, updated_at = statement_timestamp()
    from (
      select distinct on (message_id) message_id, receipt.status, receipt.error
      from delivery_receipts as receipt
      -- Not of what was sent before, where it was sent again.
      join messages as sent on sent.id = message_id and sent.provider_message_id = receipt.provider_message_id
      where message_id = any($1::bigint[])
      order by message_id, ${RANK('receipt.status')} desc, receipt.id
    ) as best
    where messages.id = best.message_id and ${RANK('best.status')} > ${RANK('messages.status')}`,
};

/**
 * Serialises, until the commit, whoever makes a provider's id known with whoever brings a receipt for it: the
 * later of the two sees what the earlier one wrote.
 */
export async function lockProviderIds(connection: pg.ClientBase, ids: string[]): Promise<void> {
  if (ids.length > 0) await connection.query(LOCK_IDS, [ids]);
}

/** Applies the receipts that came before their message's provider id was known. */
export async function adoptReceipts(connection: pg.ClientBase, messageIds: number[]): Promise<void> {
  if (messageIds.length === 0) return;
  const { rows } = await connection.query<{ id: number }>(ADOPT, [messageIds]);
  if (rows.length > 0) await connection.query(APPLY, [rows.map(({ id }) => id)]);
}

export function createReceiptTaker(pool: pg.Pool, events: Events): ReceiptTaker {
  const store = (receipts: NewReceipt[]) =>
    transaction(pool, async (connection) => {
      await lockProviderIds(
        connection,
        receipts.map((receipt) => receipt.provider_message_id),
      );
      await connection.query(STORE, [JSON.stringify(receipts)]);
      const { rows } = await connection.query<StoredReceipt>(FIND, [
        receipts.map((receipt) => receipt.provider),
        receipts.map((receipt) => receipt.provider_message_id),
        receipts.map((receipt) => receipt.status),
      ]);
      await connection.query(APPLY, [rows.flatMap(({ message_id }) => message_id ?? [])]);
      const byKey = new Map(rows.map((row) => [keyOf(row), row]));
      return receipts.map((receipt) => byKey.get(keyOf(receipt)) as StoredReceipt);
    });
  const taking = coalesce(isolating(store), LIMITS);
  return {
    idle: taking.idle,
    take: async (receipt) => {
      const stored = await taking.add(receipt);
      events.receiptTaken({ provider: stored.provider, status: stored.status, messageId: stored.message_id });
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
