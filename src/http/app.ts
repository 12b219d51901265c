import { randomUUID } from 'node:crypto';
import express, { type Express, type RequestHandler, type Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { pinoHttp } from 'pino-http';
import type { Config } from '../config.ts';
import { InvalidRequestError, NotFoundError } from '../errors.ts';
import type { Logger } from '../observability/logger.ts';
import { type OpenApiDocument, openApiDocument } from '../openapi/document.ts';
import type { Handlers, OperationId } from '../openapi/types.ts';
import { securityHandlers, withConfiguredSecurity } from './auth.ts';
import { jsonBody, unstorableText } from './body.ts';
import { problemHandler } from './problem.ts';

export interface AppOptions {
  config: Config;
  logger: Logger;
  handlers: Handlers;
  /** Makes an error of ours of what a library below threw. */
  translate: (error: unknown) => unknown;
}

type AnyHandler = (
  request: object,
) => Promise<{ status: number; headers?: Record<string, string>; body: unknown }>;

/** The HTTP service: what comes in is validated against the contract, and goes to the handler of its operation. */
export function createApp({ config, logger, handlers, translate }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestLog(logger), jsonBody());
  app.use(
    OpenApiValidator.middleware({
      apiSpec: withConfiguredSecurity(openApiDocument(), config) as never,
      validateRequests: { allErrors: true },
      validateResponses: !config.production,
      validateSecurity: { handlers: securityHandlers(config) as never },
      ajvFormats: { mode: 'full' },
      fileUploader: false,
      operationHandlers: {
        basePath: '',
        resolver: (_basePath, { openApiRoute, method }, { paths }) => {
          const operation = (paths as unknown as OpenApiDocument['paths'])[openApiRoute]?.[
            method.toLowerCase()
          ];
          return toMiddleware(
            handlers[operation?.operationId as OperationId] as unknown as AnyHandler,
            translate,
          );
        },
      },
    }),
  );
  app.use((request, _response, next) => next(new NotFoundError(`route ${request.path}`)));
  app.use(problemHandler(logger));
  return app;
}

/** The typed handler of an operation as a middleware: the only place where a handler meets Express. */
function toMiddleware(handler: AnyHandler, translate: (error: unknown) => unknown): RequestHandler {
  return async (request, response) => {
    const { params, query, headers, body } = request;
    const faults = [...unstorableText(body, '/body'), ...unstorableText(query, '/query')];
    if (faults.length > 0) throw new InvalidRequestError(faults);
    const answer = await handler({ params, query, headers, body }).catch((error) => {
      throw translate(error);
    });
    send(response.status(answer.status).set(answer.headers ?? {}), answer.body);
  };
}

function send(response: Response, body: unknown): void {
  if (typeof body === 'string') response.send(body);
  else response.json(body);
}

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** One line a request, without bodies, queries or credentials. */
function requestLog(logger: Logger): RequestHandler {
  return pinoHttp({
    logger,
    genReqId: (request, response) => {
      const given = request.headers['x-request-id'];
      const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
      response.setHeader('x-request-id', id);
      return id;
    },
    quietReqLogger: true,
    customAttributeKeys: {
      reqId: 'request_id',
      req: 'request',
      res: 'response',
      responseTime: 'duration_ms',
    },
    serializers: {
      req: ({ method, url }: { method: string; url: string }) => ({ method, path: url.split('?')[0] }),
      res: ({ statusCode }: { statusCode: number }) => ({ status: statusCode }),
    },
    customLogLevel: (_request, response, error) => (error || response.statusCode >= 500 ? 'error' : 'info'),
  });
}
