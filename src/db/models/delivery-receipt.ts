import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** What a provider reported about a message that it had taken. */
export class DeliveryReceipt extends Model {
  static override tableName = 'delivery_receipts';

  declare id: number;
  declare provider: string;
  declare provider_message_id: string;
  declare message_id: number | null;
  declare status: Schema<'ReceiptStatus'>;
  declare error: { code: string; detail: string | null } | null;
  declare occurred_at: Date;
  declare received_at: Date;
  declare payload: unknown;
}
