import express, { type Express, type RequestHandler, type Response } from 'express';
import type { Config, Role } from '../config/config.ts';
import { NotFoundError } from '../errors.ts';
import type { MediaLinks } from '../media/links.ts';
import type { Events } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import { traceparentOf } from '../observability/tracing.ts';
import { type OpenApiDocument, openApiDocument } from '../openapi/document.ts';
import type { OperationId } from '../openapi/types.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { authenticate } from './auth/authenticate.ts';
import type { Handlers } from './auth/caller.ts';
import type { Keyring } from './auth/keyring.ts';
import { refuseForeign } from './auth/local.ts';
import { createUnverifiedReport } from './auth/unverified-webhooks.ts';
import { operationOf } from './contract/operation.ts';
import { createValidator, prepareValidation, type Validation } from './contract/validator.ts';
import { createBodies } from './middleware/body.ts';
import { allowOrigins } from './middleware/cors.ts';
import { replaceInfinities } from './middleware/numbers.ts';
import { ensureStorable } from './middleware/postgres-text.ts';
import { limitRate } from './middleware/rate-limit.ts';
import { requestLog } from './middleware/request-log.ts';
import { ResponseBudget } from './middleware/response-budget.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { problemHandler } from './problem.ts';
import { checkProtocol } from './protocol-errors.ts';
import { referenceRoutes } from './reference/routes.ts';
import { originOf, stateOf } from './request-state.ts';
import { closeSignalOf, isStream, sendStream, takeWhile } from './stream-response.ts';
import { type UnsubscribeOptions, unsubscribeRoutes } from './unsubscribe/routes.ts';

export interface AppOptions {
  config: Config;
  logger: Logger;
  events: Events;
  keyring: Keyring;
  providers: ProviderRegistry;
  handlers: Handlers;
  links: MediaLinks;
  /** Reads the links to unsubscribe, and unsubscribes their recipients. */
  unsubscribing: Pick<UnsubscribeOptions, 'links' | 'unsubscribe'>;
  /** Converts errors of the database driver to errors of `errors.ts`. */
  translate: (error: unknown) => unknown;
}

type AnyHandler = (
  request: object,
) => Promise<{ status: number; headers?: Record<string, string>; body: unknown }>;

/** Creates the app that authenticates each request, validates it against the contract and calls the operation's handler. */
export async function createApp({
  config,
  logger,
  events,
  keyring,
  providers,
  handlers,
  links,
  unsubscribing,
  translate,
}: AppOptions): Promise<Express> {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestLog(logger, events));
  app.use(securityHeaders);
  if (config.corsOrigins.length > 0) app.use(allowOrigins(config.corsOrigins));
  app.use(checkProtocol);
  if (config.role !== 'worker') app.use(unsubscribeRoutes({ ...unsubscribing, translate }));
  if (config.apiKeys.length === 0) app.use(refuseForeign(config.allowedHosts));
  const document = contractOf(config.role);
  const bodies = createBodies(providers.email.map(({ name }) => name));
  const steps = {
    before: [
      authenticate(document, {
        ...{ config, providers, keyring, links, readUnverified: bodies.readUnverified },
        reportUnverified: createUnverifiedReport(events),
      }),
      ...(config.rateLimit === null ? [] : [limitRate(config.rateLimit)]),
      bodies.json,
    ],
    handle: toMiddleware(handlers, { translate, keyring }, new ResponseBudget()),
  };
  app.use(createValidator(await validationOf(config, document), steps));
  if (config.role !== 'worker') app.use(referenceRoutes(document));
  app.use((request, _response, next) => next(new NotFoundError(`route ${request.path}`)));
  app.use(problemHandler(logger, events));
  return app;
}

/** The services of a process share the validation of a contract, whose schemas are compiled at their first use. */
const validations = new Map<string, Promise<Validation>>();

function validationOf({ role, production }: Config, document: OpenApiDocument): Promise<Validation> {
  const key = `${role === 'worker'} ${production}`;
  const validation =
    validations.get(key) ??
    prepareValidation(document, { validateResponses: !production, ajvFormats: { mode: 'full' } });
  validations.set(key, validation);
  return validation;
}

const WORKER_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

const contracts = new Map<'worker' | 'api', OpenApiDocument>();

/** The operations of the contract that a process of this role serves; nothing changes it. */
function contractOf(role: Role): OpenApiDocument {
  const served = role === 'worker' ? 'worker' : 'api';
  const contract = contracts.get(served) ?? readContract(served);
  contracts.set(served, contract);
  return contract;
}

/** A worker serves health and metrics only. */
function readContract(served: 'worker' | 'api'): OpenApiDocument {
  const document = openApiDocument();
  if (served !== 'worker') return document;
  const paths = Object.entries(document.paths).filter(([path]) => WORKER_PATHS.has(path));
  return { ...document, paths: Object.fromEntries(paths) };
}

/** Middleware that calls the handler of the operation. No other module connects handlers to Express. */
function toMiddleware(
  handlers: Handlers,
  { translate, keyring }: Pick<AppOptions, 'translate' | 'keyring'>,
  budget: ResponseBudget,
): RequestHandler {
  return async (request, response) => {
    // A request that has timed out has no effect, even if the rest of its body arrives later.
    if (response.headersSent) return;
    const handler = handlers[operationOf(request)?.operationId as OperationId] as unknown as AnyHandler;
    ensureStorable(request);
    replaceInfinities(request);
    // Only a GET has ranges (RFC 9110, 14.2).
    if (request.method === 'HEAD') delete request.headers.range;
    const { params, query, headers, body } = request;
    const { caller, key } = stateOf(request);
    if (!caller) throw new Error('A request reached its handler without authentication');
    const reserve = budget.reserveFor(response);
    const result = await handler({
      ...{ caller, params, query, headers, body, reserve },
      traceparent: traceparentOf(headers.traceparent),
      // Most handlers do not use it.
      signal: () => closeSignalOf(response),
      origin: () => originOf(request),
    }).catch((error) => {
      budget.written(response);
      throw translate(error);
    });
    const restoreHeaders = keepHeaders(response, Object.keys(result.headers ?? {}));
    response.status(result.status).set(result.headers ?? {});
    // The response to HEAD ends before the first part of a stream.
    if (result.body === undefined || (request.method === 'HEAD' && isStream(result.body))) response.end();
    else if (isStream(result.body)) {
      const isAllowed = () => key === undefined || keyring.has(key);
      await sendStream(response, takeWhile(result.body, isAllowed)).catch((error) => {
        if (!response.headersSent) restoreHeaders();
        throw translate(error);
      });
    } else if (typeof result.body === 'string') response.send(result.body);
    else response.json(result.body);
    budget.written(response);
  };
}

/** Returns a function that gives headers of a response the values that they have now. */
function keepHeaders(response: Response, names: string[]): () => void {
  const values = names.map((name) => [name, response.getHeader(name)] as const);
  return () => {
    for (const [name, value] of values)
      if (value === undefined) response.removeHeader(name);
      else response.setHeader(name, value);
  };
}
