import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { TooManyRequestsError } from '../../errors.ts';
import { operationOf } from '../contract/operation.ts';
import { apiKeyName, stateOf } from '../request-state.ts';

const WINDOW_SECONDS = 1;

/**
 * Limits the requests per second of each API key at this process. Without API keys, all requests share one limit. The limit
 * applies to operations with a 429 response in the contract only, and not to links to files, so that a provider that fetches the
 * files of messages does not compete with clients.
 */
export function limitRate(perSecond: number): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_SECONDS * 1_000,
    limit: perSecond,
    identifier: 'per-key',
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => apiKeyName(request) ?? '',
    skip: (request) => stateOf(request).caller?.type === 'link' || !operationOf(request)?.responses['429'],
    handler: (_request, _response, next) => next(new TooManyRequestsError(perSecond, WINDOW_SECONDS)),
    // The checks of the package are for limits by client address, but this limit is by API key.
    validate: false,
  });
}
