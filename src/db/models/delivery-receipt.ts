import { Model } from 'objection';
import type { StoredError } from '../../openapi/error-class.ts';

/** A report of a provider about a message that the provider accepted. */
export class DeliveryReceipt extends Model {
  static override tableName = 'delivery_receipts';

  declare id: number;
  declare provider: string;
  /** Null if the receipt names its message by the delivery key only. */
  declare provider_message_id: string | null;
  /** The normalised address of the recipient that the receipt names; null for none. */
  declare recipient: string | null;
  /** Whether the receipt is about one recipient, also if it names none. */
  declare of_one: boolean;
  /** Identifies the receipt; null if the provider's id, the recipient and the status do. */
  declare dedupe_key: string | null;
  declare message_id: number | null;
  /** The status of the provider, in lower case; `reported_status` has the statuses that change a delivery. */
  declare status: string;
  declare error: StoredError | null;
  declare bounce: 'hard' | 'soft' | null;
  /** The Message-ID of the email on the wire, without angle brackets; null if the receipt does not name it. */
  declare wire_message_id: string | null;
  declare occurred_at: Date;
  declare received_at: Date;
  declare payload: unknown;
}
