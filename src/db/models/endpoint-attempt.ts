import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** A try to deliver an event to an endpoint. */
export class EndpointAttempt extends Model {
  static override tableName = 'endpoint_attempts';

  declare id: number;
  declare endpoint_id: number;
  declare event_id: number;
  /** From 1 for each event. */
  declare number: number;
  declare started_at: Date;
  /** Null if the process ended during the try. */
  declare duration_ms: number | null;
  declare outcome: Schema<'EndpointOutcome'>;
  declare status_code: number | null;
  declare error_code: Schema<'EndpointErrorCode'> | null;
  declare detail: string | null;
  declare response_body: string | null;
}
