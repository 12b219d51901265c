import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { TooManyRequestsError } from '../../errors.ts';
import { operationOf } from '../contract/operation.ts';
import { apiKeyName } from '../request-state.ts';

const WINDOW_SECONDS = 1;

/**
 * Limits the requests per second of each API key to this process; without API keys, all requests share one limit. Only
 * operations with a 429 response in the contract are limited.
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
    // These checks concern limits by client address behind a proxy; this limit is by key.
    validate: false,
  });
}
