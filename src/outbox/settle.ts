import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../errors.ts';

/** Max time to settle the result of a call after its end, in milliseconds: a lease is longer than the call by this time. */
export const LEASE_MARGIN_MS = 5_000;

const RETRY_MS = 250;

/**
 * Repeats `settle` until it succeeds. While the database is unavailable, `settle` is repeated without a limit, because only
 * this process knows the result. A result that the database refuses is repeated until the end of the lease, when another
 * worker may claim the work.
 *
 * @param leaseEndsAt in milliseconds since 1970.
 * @returns whether the result is settled.
 */
export async function settleWithin(
  settle: () => Promise<unknown>,
  leaseEndsAt: number,
  onError: (error: unknown) => void,
): Promise<boolean> {
  for (;;) {
    try {
      await settle();
      return true;
    } catch (error) {
      onError(error);
      if (!(error instanceof UnavailableError) && Date.now() > leaseEndsAt) return false;
      await sleep(RETRY_MS);
    }
  }
}
