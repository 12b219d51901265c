/** A row that a write needs is no longer there: an operator deleted or replaced it. */
export class MissingRowError extends Error {
  /** The SQLSTATE with which `record_messages` reports it. */
  readonly code = 'MS001';
}

const FOREIGN_KEY_VIOLATION = '23503';

export function isMissingRow(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'MS001' || code === FOREIGN_KEY_VIOLATION;
}

/**
 * Runs `work` once more if a row that it refers to was deleted meanwhile.
 *
 * @param onMissing called before the second run; removes such rows from caches.
 */
export async function retryMissingRows<T>(work: () => Promise<T>, onMissing?: () => void): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMissingRow(error)) throw error;
    onMissing?.();
    return work();
  }
}
