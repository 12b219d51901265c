import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** A cancel or retry by an API client. */
export class DeliveryAction extends Model {
  static override tableName = 'delivery_actions';

  declare id: number;
  declare message_id: number;
  declare action: Schema<'DeliveryAction'>['action'];
  declare from_status: Schema<'MessageStatus'>;
  declare from_expires_at: Date | null;
  /** The name of the API key; null without API keys. */
  declare actor: string | null;
  declare created_at: Date;
}
