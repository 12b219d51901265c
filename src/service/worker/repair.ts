import { isMissingFunction } from '../../db/functions.ts';
import type { Events } from '../../observability/events.ts';

/** The same events; a failure that a missing stored function caused also calls `repair`. */
export function withRepair(events: Events, repair: () => void): Events {
  return {
    ...events,
    failed: (what, error) => {
      events.failed(what, error);
      if (isMissingFunction(error)) repair();
    },
  };
}
