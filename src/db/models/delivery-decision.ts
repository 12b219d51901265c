import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** What a person decided about a message's delivery, and when. */
export class DeliveryDecision extends Model {
  static override tableName = 'delivery_decisions';

  declare id: number;
  declare message_id: number;
  declare decision: Schema<'DeliveryDecision'>['decision'];
  declare from_status: Schema<'MessageStatus'>;
  declare idempotency_key: string | null;
  declare decided_at: Date;
}
