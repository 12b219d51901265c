/** An operator deleted or replaced a row that a write needs. */
export class MissingRowError extends Error {
  /** The SQLSTATE that `record_messages` raises for the same reason. */
  readonly code = 'MS001';
}

const FOREIGN_KEY_VIOLATION = '23503';

export function isMissingRow(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'MS001' || code === FOREIGN_KEY_VIOLATION;
}

/**
 * Runs `work` a second time if an operator deleted a row that `work` needs.
 *
 * @param onMissing called before the second run, for example to remove deleted rows from caches.
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
