import type { Evidence } from '../evidence.ts';

/** An event as a consumer received it. */
export interface ReceivedEvent {
  /** The position in the feed. */
  id: number;
  type: string;
  /** The message, conversation or participant; null for other subjects. */
  subject: number | null;
  /** The status of the message in the event. */
  status: string | null;
  /** The position that the transport carries: the id of the server-sent event, or the number in `webhook-id`. */
  position: number;
}

export interface Consumed {
  /** In the order of arrival. */
  events: ReceivedEvent[];
  /** Lost connections, responses of an unavailable service, and deliveries that the consumer refused. */
  interruptions: number;
}

export const CONSUMERS = ['rest', 'stream', 'webhook'] as const;
export type ConsumerName = (typeof CONSUMERS)[number];

/** The record of a run with consumers of the feed. */
export interface FeedEvidence extends Evidence {
  consumed: Partial<Record<ConsumerName, Consumed>>;
  /** The position of the last event. */
  lastPosition: number;
  /** The minimum of interruptions of each consumer. */
  minInterruptions: number;
}
