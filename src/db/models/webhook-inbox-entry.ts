import type { IncomingHttpHeaders } from 'node:http';
import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** A webhook that is not processed yet or could not be processed. */
export class WebhookInboxEntry extends Model {
  static override tableName = 'webhook_inbox';

  declare id: number;
  declare account: string;
  declare state: Schema<'QuarantineState'>;
  declare target: string;
  declare headers: IncomingHttpHeaders;
  /** Null for a large body, which is in the media store. */
  declare body: Buffer | null;
  declare object_id: string | null;
  declare object_bytes: number | null;
  declare reason: Schema<'QuarantineReason'> | null;
  declare detail: string | null;
  declare received_count: number;
  declare received_at: Date;
  declare last_received_at: Date;
  declare attempts: number;
  declare leased: boolean;
  declare next_attempt_at: Date | null;
}
