import pLimit from 'p-limit';
import { UnavailableError } from '../../errors.ts';

/** Searches that run at once; each has one connection to the database at a time. */
const AT_ONCE = 4;
/** Searches that may wait for their turn. */
const WAITING = 16;
const RETRY_AFTER_S = 2;

/** Runs searches within a limit of their own, so that slow ones leave connections for all other reads. */
export interface Searches {
  /** @throws {UnavailableError} too many searches wait already. */
  run<T>(search: () => Promise<T>): Promise<T>;
}

/** @param connections that all reads share. */
export function limitSearches(connections: number): Searches {
  const limit = pLimit(Math.max(1, Math.min(AT_ONCE, Math.floor(connections / 2))));
  return {
    run: async (search) => {
      if (limit.pendingCount >= WAITING)
        throw new UnavailableError('Too many searches at once.', { retryAfter: RETRY_AFTER_S });
      return limit(search);
    },
  };
}
