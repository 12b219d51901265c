import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'If-Range',
  'Last-Event-ID',
  'Range',
  'X-Request-Id',
  'traceparent',
].join(', ');
/** The headers of responses that scripts may read. */
const RESPONSE_HEADERS = [
  'Accept-Ranges',
  'Allow',
  'Content-Disposition',
  'Content-Range',
  'ETag',
  'Idempotent-Replayed',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ');
const MAX_AGE_SECONDS = 7_200;
/** Only providers call webhooks. Express matches paths in any case. */
const WEBHOOKS = /^\/api\/webhooks(?:\/|$)/i;

/**
 * Middleware for scripts of web pages (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). Answers the preflight requests
 * of the given origins, and adds headers to every response to these origins, also to errors. Credentials are never allowed,
 * because API keys are not sent by browsers on their own. The package `cors` would also answer `OPTIONS` of other origins.
 *
 * @param origins exact origins, such as `https://app.example`.
 */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins);
  return (request, response, next) => {
    if (WEBHOOKS.test(request.path)) return next();
    response.vary('Origin');
    const { origin } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return next();
    response.set({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': RESPONSE_HEADERS,
    });
    if (!isPreflight(request)) return next();
    response.set({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': REQUEST_HEADERS,
      'access-control-max-age': `${MAX_AGE_SECONDS}`,
    });
    response.status(204).end();
  };
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
