import { Model } from 'objection';

/** What a provider reported about a message that it had taken. */
export class DeliveryReceipt extends Model {
  static override tableName = 'delivery_receipts';

  declare id: number;
  declare provider: string;
  declare provider_message_id: string;
  declare message_id: number | null;
  /** As the provider reported it, in lower case; see `apply_receipts` for the words that move a message. */
  declare status: string;
  declare error: { code: string; detail: string | null } | null;
  declare occurred_at: Date;
  declare received_at: Date;
  declare payload: unknown;
}
