import type { Request } from 'express';
import { stateOf } from '../request-state.ts';
import { rawBodyOf } from './body.ts';

/** An exponent of at least three digits, or 200 digits in sequence. All other numbers are below 1e299. */
const MAY_OVERFLOW = /\d[eE]\+?\d{3}|(?<!\d)\d{200}/;

/**
 * Replaces numbers beyond the range of a double by the texts `Infinity` and `-Infinity` in the body of a webhook. JSON.parse
 * returns Infinity for `1e400`, which PostgreSQL would store as null. Runs after validation, because the validator would
 * accept the text as an id. In the body of a client, the contract allows no such number. A form has no parsed body.
 */
export function replaceInfinities(request: Request): void {
  if (stateOf(request).caller?.type !== 'provider' || request.body === undefined) return;
  if (MAY_OVERFLOW.test(rawBodyOf(request).toString('latin1'))) replaceIn(request.body);
}

function replaceIn(parent: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(parent)) {
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) parent[key] = `${value}`;
    else if (typeof value === 'object' && value !== null) replaceIn(value as Record<string, unknown>);
  }
}
