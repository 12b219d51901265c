import type { Schema } from '../openapi/types.ts';

export type EventType = Schema<'EventType'>;

/** The channel of the notifications that the feed has new events. */
export const FEED_MOVED = 'feed';

/** A row of the feed. */
export interface EventRow {
  /** The position in the feed. */
  id: number;
  type: EventType;
  /** The resource that the type names; null for an account at a provider. */
  subject_id: number | null;
  conversation_id: number | null;
  /** The fields that changed. */
  changes: Record<string, unknown> | null;
  created_at: Date;
}

/** The resources of events, as the API returns them. A deleted resource is missing. */
export interface Resources {
  messages(ids: number[]): Promise<Map<number, Schema<'Message'>>>;
  conversations(ids: number[]): Promise<Map<number, Schema<'Conversation'>>>;
  participants(ids: number[]): Promise<Map<number, Schema<'Participant'>>>;
  endpoints(ids: number[]): Promise<Map<number, Schema<'Endpoint'>>>;
  quarantined(ids: number[]): Promise<Map<number, Schema<'QuarantinedWebhook'>>>;
  suppressionChanges(ids: number[]): Promise<Map<number, Schema<'SuppressionChange'>>>;
}
