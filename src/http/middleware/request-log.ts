import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Events } from '../../observability/events.ts';
import type { Logger } from '../../observability/logger.ts';
import { routeOf } from '../contract/operation.ts';
import { apiKeyName, stateOf } from '../request-state.ts';

const GIVEN_ID = /^[\x21-\x7e]{1,128}$/;

/** The id of a request in its response and in the log. */
export function requestId(request: object): string {
  return stateOf(request).id;
}

/** Assigns each request an id, and measures it and logs one line at its end, without bodies, queries or credentials. */
export function requestLog(logger: Logger, events: Pick<Events, 'requestCompleted'>): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const id = idOf(request);
    stateOf(request).id = id;
    response.setHeader('x-request-id', id);
    // 'close' is emitted in every case, also if the client disconnected before the response.
    response.once('close', () => {
      const { statusCode: status, writableFinished: completed } = response;
      const durationMs = performance.now() - started;
      const route = routeOf(request) ?? null;
      events.requestCompleted({
        ...{ method: request.method, route, status: completed ? status : null },
        seconds: durationMs / 1_000,
      });
      const level = status >= 500 ? 'error' : 'info';
      if (!logger.isLevelEnabled(level)) return;
      const apiKey = apiKeyName(request);
      logger[level](
        {
          request_id: id,
          request: { method: request.method, path: withoutSecrets(request.path) },
          response: { status },
          ...(apiKey !== undefined && { api_key: apiKey }),
          duration_ms: Math.round(durationMs * 100) / 100,
        },
        completed ? 'request completed' : 'request aborted',
      );
    });
    next();
  };
}

/** A log line has no address of a person, and no link that acts for a person. */
function withoutSecrets(path: string): string {
  return path
    .replace(/^(\/api\/suppressions\/)(?!(?:import|export)$)[^/]+/i, '$1{address}')
    .replace(/^(.*\/unsubscribe\/).+/i, '$1{token}');
}

function idOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && GIVEN_ID.test(given) ? given : randomUUID();
}
