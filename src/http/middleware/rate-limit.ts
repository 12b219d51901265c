import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { TooManyRequestsError } from '../../errors.ts';
import { apiKeyName } from '../auth/caller.ts';
import { operationOf } from '../contract/operation.ts';

const WINDOW_SECONDS = 1;

/**
 * Lets each API key make so many requests a second at this process, those to one that takes none together. Limited are
 * the operations of which the contract says that they may answer 429.
 */
export function limitRate(perSecond: number): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_SECONDS * 1_000,
    limit: perSecond,
    identifier: 'per-key',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => apiKeyName(request) ?? '',
    skip: (request) => !operationOf(request)?.responses['429'],
    handler: (_request, _response, next) => next(new TooManyRequestsError(perSecond, WINDOW_SECONDS)),
    // It looks for mistakes in how it is set up among the proxies; the limit goes by key, not by address.
    validate: false,
  });
}
