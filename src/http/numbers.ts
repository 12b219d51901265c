import type { Request } from 'express';
import { rawBodyOf } from './body.ts';

/** An exponent of three digits or more, or a run of digits that is longer than the largest finite number. */
const MAY_OVERFLOW = /\d[eE]\+?\d{3}|(?<!\d)\d{309}/;

/**
 * Replaces numbers beyond the range of a double by the texts `Infinity` and `-Infinity` in a validated body.
 * JSON.parse reads `1e400` as Infinity, which PostgreSQL would be given as null. The contract has no such number, so
 * they remain only in the unknown fields of webhooks, which are stored in the payload.
 */
export function replaceInfinities(request: Request): void {
  if (MAY_OVERFLOW.test(rawBodyOf(request).toString('latin1'))) replaceIn(request.body);
}

function replaceIn(parent: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(parent)) {
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) parent[key] = `${value}`;
    else if (typeof value === 'object' && value !== null) replaceIn(value as Record<string, unknown>);
  }
}
