const MIB = 1_048_576;
/** Limits of a batch and of the queue. */
export const SIZE_LIMITS = { maxBatchBytes: 8 * MIB, maxQueueBytes: 32 * MIB };

/** The memory of an item without its texts, in bytes. */
const BASE = 1_024;
const SCALAR = 8;

/**
 * Estimates the memory of an item in the queue, in bytes. Its texts count twice: as parsed, and as serialized for the
 * database. For JSON values of bounded depth.
 */
export function estimateSize(value: unknown): number {
  return BASE + 2 * lengthOf(value);
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value === null || typeof value !== 'object') return SCALAR;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + lengthOf(item) + SCALAR, 0);
  let length = 0;
  for (const [key, item] of Object.entries(value)) length += key.length + lengthOf(item);
  return length;
}
