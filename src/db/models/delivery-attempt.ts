import { Model } from 'objection';
import type { ErrorClass } from '../../openapi/error-class.ts';
import type { Schema } from '../../openapi/types.ts';

/** One call to a provider for a message. */
export class DeliveryAttempt extends Model {
  static override tableName = 'delivery_attempts';
  static override idColumn = ['message_id', 'number'];

  declare message_id: number;
  declare number: number;
  declare provider: string;
  declare started_at: Date;
  /** Null if the worker of the attempt died before it settled the attempt, and another worker took over. */
  declare duration_ms: number | null;
  declare outcome: Schema<'AttemptOutcome'>;
  declare http_status: number | null;
  declare code: string | null;
  declare detail: string | null;
  /** Null for an accepted message. */
  declare class: ErrorClass | null;
  declare provider_message_id: string | null;
  declare next_attempt_at: Date | null;
}
