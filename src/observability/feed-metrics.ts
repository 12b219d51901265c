import type { Registry } from 'prom-client';
import { registerMeasured } from './measured-gauges.ts';

/** The committed events without a position. */
export interface FeedBacklog {
  waiting: number;
  /** Age of the oldest, in seconds; 0 if there is none. */
  oldest_seconds: number;
}

export function registerFeed(registry: Registry, measure: () => Promise<FeedBacklog>): void {
  registerMeasured(registry, measure, [
    {
      name: 'messaging_feed_events_waiting',
      help: 'Events without a position in the feed, which no reader sees yet. More than 100,000 are counted as 100,000.',
      set: (gauge, { waiting }) => gauge.set(waiting),
    },
    {
      name: 'messaging_feed_oldest_waiting_seconds',
      help: 'Age of the oldest event without a position in the feed, in seconds.',
      set: (gauge, { oldest_seconds }) => gauge.set(oldest_seconds),
    },
  ]);
}
