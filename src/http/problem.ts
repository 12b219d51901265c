import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request } from 'express';
import {
  type ErrorCode,
  type Fault,
  InsufficientScopeError,
  InvalidRequestError,
  RangeNotSatisfiableError,
  ServiceError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
} from '../errors.ts';
import type { Events } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import type { Schema } from '../openapi/types.ts';
import { RecipientSuppressedError, RefusedMessageError } from '../refusals.ts';
import { operationOf } from './contract/operation.ts';
import { readableError } from './contract/readable-errors.ts';
import { endBeforeBody } from './middleware/drain-request.ts';
import { reportRefusedWebhook } from './middleware/refused-webhooks.ts';
import { requestId } from './middleware/request-log.ts';

type Problem = Schema<'Problem'>;

interface ProblemResponse {
  status: number;
  code: Problem['code'];
  detail: string;
  headers?: Record<string, string>;
  /** Fields of the problem document besides those of every error. */
  fields?: Pick<Problem, 'errors' | 'suppressions' | 'required_scope'>;
}

/** The status of each error of `errors.ts` and `refusals.ts`. */
const STATUS: Record<ErrorCode, number> = {
  bad_request: 400,
  malformed_json: 400,
  unauthorized: 401,
  forbidden: 403,
  insufficient_scope: 403,
  not_found: 404,
  request_timeout: 408,
  link_to_self: 409,
  already_linked: 409,
  participant_erased: 409,
  own_address: 409,
  participants_share_conversation: 409,
  external_id_taken: 409,
  not_cancelable: 409,
  not_retriable: 409,
  not_redactable: 409,
  too_many_endpoints: 409,
  webhook_in_progress: 409,
  webhook_not_processed: 409,
  position_expired: 410,
  payload_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  expectation_failed: 417,
  invalid_request: 422,
  idempotency_key_reused: 422,
  no_provider_for_sender: 422,
  missing_capability: 422,
  country_not_allowed: 422,
  recipient_suppressed: 422,
  too_many_requests: 429,
  headers_too_large: 431,
  not_implemented: 501,
  unavailable: 503,
};

/** An error of the validator or the router. */
interface HttpLibraryError {
  status?: number;
  path?: string;
  message: string;
  headers?: Record<string, string>;
  errors?: { path: string; message: string; errorCode?: string }[];
}

/** Maximum characters of the path of a validation error, which contains names from the request. */
const MAX_PATH = 200;

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Converts every error to a problem document (RFC 9457). */
export function problemHandler(logger: Logger, events: Events): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const problem =
      error instanceof ServiceError ? fromServiceError(error) : fromLibraryError(error, request);
    if (problem.status >= 500 && problem.code === 'internal_error')
      logger.error({ err: error, request_id: requestId(request) }, 'request failed');
    reportRefusedWebhook(events, request, { ...problem, ...problem.fields });
    send(request, response, problem);
  };
}

/** Sends an error that occurred outside Express as the response to a request. */
export function sendProblem(request: IncomingMessage, response: ServerResponse, error: ServiceError): void {
  send(request, response, fromServiceError(error));
}

/** The problem document of an error. */
export function problemOf(error: ServiceError, requestId: string): Problem {
  return problemFrom(fromServiceError(error), requestId);
}

function send(request: IncomingMessage, response: ServerResponse, problem: ProblemResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = problem.status;
  response.setHeaders(new Map(Object.entries({ ...problem.headers, 'content-type': PROBLEM_TYPE })));
  endBeforeBody(request, response, JSON.stringify(problemFrom(problem, requestId(request))));
}

function problemFrom({ status, code, detail, fields }: ProblemResponse, request_id: string): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, code, request_id, ...fields };
}

function fromServiceError(error: ServiceError): ProblemResponse {
  const problem = { status: STATUS[error.code], code: error.code, detail: error.message };
  if (error instanceof RecipientSuppressedError)
    return { ...problem, fields: { errors: error.faults, suppressions: error.suppressions } };
  if (error instanceof InvalidRequestError || error instanceof RefusedMessageError)
    return { ...problem, fields: { errors: error.faults } };
  if (error instanceof UnauthorizedError) return { ...problem, headers: { 'www-authenticate': 'Bearer' } };
  if (error instanceof InsufficientScopeError) return fromInsufficientScope(error, problem);
  if (error instanceof RangeNotSatisfiableError)
    return { ...problem, headers: { 'content-range': `bytes */${error.size}` } };
  if (error instanceof UnavailableError || error instanceof TooManyRequestsError)
    return { ...problem, headers: { 'retry-after': `${error.retryAfter}` } };
  return problem;
}

/** RFC 6750, section 3.1. */
function fromInsufficientScope(
  { requiredScope }: InsufficientScopeError,
  problem: ProblemResponse,
): ProblemResponse {
  const challenge = `Bearer error="insufficient_scope", scope="${requiredScope}"`;
  return {
    ...problem,
    headers: { 'www-authenticate': challenge },
    fields: { required_scope: requiredScope },
  };
}

function fromLibraryError(error: HttpLibraryError, request: Request): ProblemResponse {
  // The router throws this error if a part of the path cannot be decoded.
  if (error instanceof URIError)
    return { status: 404, code: 'not_found', detail: 'The path is not a valid URI.' };
  switch (error.status) {
    case 400:
      return fromValidator(error, request);
    case 404:
      return { status: 404, code: 'not_found', detail: `There is nothing at ${error.path ?? 'this path'}.` };
    case 405:
      return { status: 405, code: 'method_not_allowed', detail: error.message, headers: error.headers ?? {} };
    case 415:
      return { status: 415, code: 'unsupported_media_type', detail: error.message };
    default:
      return { status: 500, code: 'internal_error', detail: 'The service failed to handle this request.' };
  }
}

/** The validator reports 400 for a request that does not match the contract; the response is 422. */
function fromValidator(error: HttpLibraryError, request: Request): ProblemResponse {
  const invalid = new InvalidRequestError(faultsOf(error, request));
  return { status: 422, code: invalid.code, detail: invalid.message, fields: { errors: invalid.faults } };
}

function faultsOf({ errors, path, message }: HttpLibraryError, request: Request): Fault[] {
  if (!errors?.length) return [{ path: path?.startsWith('/query/') ? path : '/body', message }];
  const byPath = new Map<string, Set<string>>();
  for (const fault of errors) {
    const [keyword = ''] = fault.errorCode?.split('.') ?? [];
    // Reports only that no schema matches. The errors of the schemas are separate entries.
    if (keyword === 'oneOf' || keyword === 'if') continue;
    const where = fault.path.slice(0, MAX_PATH).replace(/^\/params\//, '/path/');
    const message = describe(keyword, request) ?? readableError(fault.message);
    byPath.set(where, (byPath.get(where) ?? new Set()).add(message));
  }
  return [...byPath].map(([where, messages]) => ({ path: where, message: [...messages].join(', or ') }));
}

/** Text for keywords whose own text names properties of JSON Schema. */
function describe(keyword: string, request: Request): string | undefined {
  if (keyword === 'additionalProperties') return describeUnknownField(request);
  if (keyword === 'minProperties') return 'must have at least one field';
  return undefined;
}

/** The fields of a message depend on its type. */
function describeUnknownField(request: Request): string {
  const { type } = request.body;
  const isTyped = operationOf(request)?.tags?.includes('Messages') && ['sms', 'mms', 'email'].includes(type);
  return `is not a field of ${isTyped ? `an ${type}` : 'this request'}`;
}
