import type { Request } from 'express';
import type { Fault } from '../errors.ts';
import { rawBodyOf } from './body.ts';

/**
 * Faults of text that did not arrive as it was written, or that PostgreSQL cannot hold: a NUL character, or half of a
 * surrogate pair. JSON has these two as escapes only, so most bodies need no second look.
 */
export function unstorableFaults(request: Request): Fault[] {
  return [
    ...(rawBodyOf(request).includes('\\u') ? unstorableText(request.body, '/body') : []),
    ...unstorableText(request.query, '/query'),
    ...alteredQuery(request),
  ];
}

/** A query that is not percent-encoded UTF-8, which decoding replaces by other characters. */
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
