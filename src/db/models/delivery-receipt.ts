import { Model } from 'objection';
import type { StoredError } from '../../openapi/error-class.ts';

/** A report of a provider about a message that the provider accepted. */
export class DeliveryReceipt extends Model {
  static override tableName = 'delivery_receipts';

  declare id: number;
  declare provider: string;
  declare provider_message_id: string;
  declare message_id: number | null;
  /** The status of the provider, in lower case; `apply_receipts` has the statuses that change a delivery. */
  declare status: string;
  declare error: StoredError | null;
  declare occurred_at: Date;
  declare received_at: Date;
  declare payload: unknown;
}
