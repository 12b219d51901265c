import type { Knex } from 'knex';
import type { Model } from 'objection';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { Suppression, SuppressionChange } from '../db/models/suppression.ts';
import type { Schema } from '../openapi/types.ts';

/** Entries of the ledger by their ids. A removed entry is missing. */
export async function suppressionsByIds(
  knex: Knex,
  ids: number[],
): Promise<Map<number, Schema<'Suppression'>>> {
  if (ids.length === 0) return new Map();
  const rows = await Suppression.query(knex).whereIn('id', ids).withGraphFetched('receipt');
  return new Map(rows.map((row) => [row.id, presentSuppression(row, row.receipt)]));
}

/** Changes of the ledger by their ids. */
export async function suppressionChangesByIds(
  knex: Knex,
  ids: number[],
): Promise<Map<number, Schema<'SuppressionChange'>>> {
  if (ids.length === 0) return new Map();
  const rows = await SuppressionChange.query(knex).whereIn('id', ids).withGraphFetched('receipt');
  return new Map(rows.map((row) => [row.id, presentChange(row)]));
}

type ReceiptSummary = Pick<DeliveryReceipt, 'provider_message_id' | 'status' | 'occurred_at'>;

/** An entry as the API returns it. Its receipt must have been read. */
export function presentSuppression(
  row: Omit<Suppression, keyof Model | 'receipt'>,
  receipt: ReceiptSummary | null | undefined,
): Schema<'Suppression'> {
  return {
    id: row.id,
    address: row.address,
    channel: row.channel,
    scope: row.scope,
    sender: row.sender,
    reason: row.reasons[0],
    reasons: row.reasons,
    message_id: row.message_id,
    receipt: presentReceipt(receipt),
    account: row.account,
    actor: row.actor,
    note: row.note,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** A change as the API returns it. Its receipt must have been read. */
export function presentChange(row: SuppressionChange): Schema<'SuppressionChange'> {
  return {
    id: row.id,
    suppression_id: row.suppression_id,
    address: row.address,
    channel: row.channel,
    scope: row.scope,
    sender: row.sender,
    change: row.change,
    reason: row.reason,
    reasons: row.reasons,
    message_id: row.message_id,
    receipt: presentReceipt(row.receipt),
    account: row.account,
    actor: row.actor,
    note: row.note,
    created_at: row.created_at.toISOString(),
  };
}

function presentReceipt(receipt: ReceiptSummary | null | undefined): Schema<'SuppressionReceipt'> | null {
  if (!receipt) return null;
  const { provider_message_id, status, occurred_at } = receipt;
  return { provider_message_id, status, occurred_at: occurred_at.toISOString() };
}
