/** A row that a write needs is no longer there: an operator deleted or replaced it. */
export class MissingRowError extends Error {
  /** The SQLSTATE with which `record_messages` reports it. */
  readonly code = 'MS001';
}

const FOREIGN_KEY_VIOLATION = '23503';
const MAX_TRIES = 3;

export function isMissingRow(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'MS001' || code === FOREIGN_KEY_VIOLATION;
}

/**
 * Runs `work` again, at most three times, where a row that it refers to was deleted meanwhile.
 *
 * @param onMissing called before each repetition; forgets what was remembered of such rows.
 */
export async function retryMissingRows<T>(work: () => Promise<T>, onMissing?: () => void): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || !isMissingRow(error)) throw error;
      onMissing?.();
    }
  }
}
