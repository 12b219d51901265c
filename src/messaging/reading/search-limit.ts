import pLimit from 'p-limit';
import { UnavailableError } from '../../errors.ts';

/** Maximum concurrent searches. Each search uses one connection to the database. */
const MAX_RUNNING = 4;
/** Maximum searches in the queue. */
const MAX_WAITING = 16;
const RETRY_AFTER_S = 2;

/** Limits concurrent searches, so that connections remain for other reads during slow searches. */
export interface Searches {
  /** @throws {UnavailableError} if the queue is full. */
  run<T>(search: () => Promise<T>): Promise<T>;
}

/** @param connections the number of connections for all reads. */
export function limitSearches(connections: number): Searches {
  const limit = pLimit(Math.max(1, Math.min(MAX_RUNNING, Math.floor(connections / 2))));
  return {
    run: async (search) => {
      if (limit.pendingCount >= MAX_WAITING)
        throw new UnavailableError('Too many searches at once.', { retryAfter: RETRY_AFTER_S });
      return limit(search);
    },
  };
}
