import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** A URL that receives events as webhooks. */
export class Endpoint extends Model {
  static override tableName = 'endpoints';

  declare id: number;
  declare url: string;
  declare description: string | null;
  /** Empty for every type. */
  declare event_types: Schema<'EventType'>[];
  declare enabled: boolean;
  declare disabled_reason: Schema<'EndpointDisabledReason'> | null;
  declare disabled_at: Date | null;
  declare secret: string;
  declare previous_secret: string | null;
  declare previous_secret_expires_at: Date | null;
  /** Deliveries of the events up to this position exist. */
  declare position: number;
  declare failing_since: Date | null;
  declare paused_until: Date | null;
  declare created_at: Date;
  declare updated_at: Date;
  declare deleted_at: Date | null;
}
