import type { Fault } from '../errors.ts';

/**
 * A JSON value that PostgreSQL can store: without NUL characters, with U+FFFD for each half of a surrogate pair, and with texts
 * for numbers beyond the range of a double.
 */
export function toStorable<T>(value: T): T {
  return repaired(value) as T;
}

function repaired(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed();
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return `${value}`;
  if (Array.isArray(value)) return value.map(repaired);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map((entry) => entry.map(repaired)));
}

/** A fault for each text that PostgreSQL cannot store unchanged, in names and values. */
export function unstorableText(value: unknown, path: string): Fault[] {
  if (typeof value === 'string') {
    if (value.includes('\0')) return [{ path, message: 'must not contain a NUL character' }];
    return value.isWellFormed() ? [] : [{ path, message: 'must be well-formed Unicode' }];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const itemPath = `${path}/${key}`;
    return [...unstorableText(key, path), ...unstorableText(item, itemPath)];
  });
}
