import type { Request } from 'express';
import type { Fault } from '../errors.ts';
import { rawBodyOf } from './body.ts';

/**
 * Where a request has text that PostgreSQL cannot hold: a NUL character, or half of a surrogate pair. Neither gets
 * into JSON but by an escape, so most bodies need no second look.
 */
export function unstorableFaults(request: Request): Fault[] {
  return [
    ...(rawBodyOf(request).includes('\\u') ? unstorableText(request.body, '/body') : []),
    ...unstorableText(request.query, '/query'),
  ];
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
