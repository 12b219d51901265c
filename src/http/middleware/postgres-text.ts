import type { Request } from 'express';
import { type Fault, InvalidRequestError } from '../../errors.ts';
import { stateOf } from '../request-state.ts';
import { rawBodyOf } from './body.ts';

/**
 * Refuses requests with text that PostgreSQL cannot store unchanged: a NUL character, a lone surrogate, or a query that is
 * not UTF-8. In the body of a webhook, removes or replaces the two characters instead, because a refused webhook would lose
 * its message. JSON contains both characters as `\u` escapes only, so a body without `\u` is not searched.
 *
 * @throws {InvalidRequestError} with the path of each such text.
 */
export function ensureStorable(request: Request): void {
  const isSuspect = rawBodyOf(request).includes('\\u');
  const isRepaired = isSuspect && stateOf(request).caller?.type === 'provider';
  if (isRepaired) request.body = toStorable(request.body);
  const faults = [
    ...(isSuspect && !isRepaired ? unstorableText(request.body, '/body') : []),
    ...unstorableText(request.query, '/query'),
    ...alteredQuery(request),
  ];
  if (faults.length > 0) throw new InvalidRequestError(faults);
}

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

/** A fault if the query is not percent-encoded UTF-8, because decoding has then replaced characters by U+FFFD. */
function alteredQuery({ originalUrl, query }: Request): Fault[] {
  if (!originalUrl.includes('%') || /%EF%BF%BD/i.test(originalUrl)) return [];
  return JSON.stringify(query).includes('\ufffd')
    ? [{ path: '/query', message: 'must be UTF-8, percent-encoded' }]
    : [];
}

function unstorableText(value: unknown, path: string): Fault[] {
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
