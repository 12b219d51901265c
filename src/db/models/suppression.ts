import { Model, type RelationMappings } from 'objection';
import type { Channel } from '../../channel.ts';
import type { Schema } from '../../openapi/types.ts';
import { DeliveryReceipt } from './delivery-receipt.ts';

/** An address that must not get messages. */
export class Suppression extends Model {
  static override tableName = 'suppressions';

  declare id: number;
  declare address_hash: Buffer;
  /** Null if the address was erased. */
  declare address: string | null;
  declare channel: Channel;
  declare scope: Schema<'SuppressionScope'>;
  declare sender: string | null;
  /** The strongest reason first. */
  declare reasons: [Schema<'SuppressionReason'>, ...Schema<'SuppressionReason'>[]];
  declare message_id: number | null;
  declare receipt_id: number | null;
  declare account: string | null;
  declare actor: string | null;
  declare note: string | null;
  declare created_at: Date;
  declare updated_at: Date;
  declare receipt?: DeliveryReceipt | null;

  static override relationMappings = (): RelationMappings => receiptOf('suppressions');
}

/** A reason that was added to an entry of the ledger or removed. */
export class SuppressionChange extends Model {
  static override tableName = 'suppression_changes';

  declare id: number;
  declare suppression_id: number;
  declare address_hash: Buffer;
  declare address: string | null;
  declare channel: Channel;
  declare scope: Schema<'SuppressionScope'>;
  declare sender: string | null;
  declare change: 'added' | 'removed';
  declare reason: Schema<'SuppressionReason'>;
  /** The reasons of the entry after the change; empty if the entry was removed. */
  declare reasons: Schema<'SuppressionReason'>[];
  declare message_id: number | null;
  declare receipt_id: number | null;
  declare account: string | null;
  declare actor: string | null;
  declare note: string | null;
  declare created_at: Date;
  declare receipt?: DeliveryReceipt | null;

  static override relationMappings = (): RelationMappings => receiptOf('suppression_changes');
}

function receiptOf(table: string): RelationMappings {
  return {
    receipt: {
      relation: Model.BelongsToOneRelation,
      modelClass: DeliveryReceipt,
      // Without the payload, which can be large.
      modify: (builder) =>
        builder.select('delivery_receipts.id', 'provider_message_id', 'status', 'occurred_at'),
      join: { from: `${table}.receipt_id`, to: 'delivery_receipts.id' },
    },
  };
}
