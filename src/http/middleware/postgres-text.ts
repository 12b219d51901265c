import type { Request } from 'express';
import { type Fault, InvalidRequestError } from '../../errors.ts';
import { toStorable, unstorableText } from '../../messaging/storable.ts';
import { isRawWebhook } from '../auth/caller.ts';
import { operationOf } from '../contract/operation.ts';
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
  // The handler reads the bytes, and stores a webhook that PostgreSQL cannot store as text.
  if (isRawWebhook(operationOf(request)?.operationId)) return;
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

/** A fault if the query is not percent-encoded UTF-8, because decoding has then replaced characters by U+FFFD. */
function alteredQuery({ originalUrl, query }: Request): Fault[] {
  if (!originalUrl.includes('%') || /%EF%BF%BD/i.test(originalUrl)) return [];
  return JSON.stringify(query).includes('\ufffd')
    ? [{ path: '/query', message: 'must be UTF-8, percent-encoded' }]
    : [];
}
