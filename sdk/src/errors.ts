import { retryAfter } from './retry-after.ts';
import type { components } from './schema.ts';

export type Problem = components['schemas']['Problem'];
/** One fault of a request: `path` is where, as `/body/…`, `/query/…`, `/path/…` or `/headers/…`. */
export type Fault = NonNullable<Problem['errors']>[number];

/** What every error of this package is. */
export class MessagingError extends Error {
  override readonly name: string = 'MessagingError';
  /** A stable word for programs. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** There is no answer, or none that is one of the service's: the request may have been worked on or not. */
export class ConnectionError extends MessagingError {
  override readonly name: string = 'ConnectionError';

  constructor(message: string, cause?: unknown, code = 'connection_failed') {
    super(code, message, { cause });
  }
}

/** The last try had no complete answer within `timeout`. */
export class TimeoutError extends ConnectionError {
  override readonly name = 'TimeoutError';

  constructor(milliseconds: number) {
    super(`No answer within ${milliseconds} ms.`, undefined, 'timeout');
  }
}

/** The service answered with an error. `message` is the detail and the first of the `errors`. */
export class ApiError extends MessagingError {
  override readonly name: string = 'ApiError';
  /** The HTTP status. */
  readonly status: number;
  /** What is wrong, in a sentence. */
  readonly detail: string;
  /** By which those who run the service find the request in their logs. */
  readonly requestId: string | undefined;
  /** Seconds to wait before asking again, where the service says so. */
  readonly retryAfter: number | undefined;
  /** Each fault of a request that breaks the contract. */
  readonly errors: readonly Fault[];
  /** The code is one of the contract's, or `unknown` where the answer came from something in between. */
  declare readonly code: Problem['code'] | 'unknown';

  constructor(response: Response, problem: Partial<Problem>) {
    const detail = problem.detail ?? `The answer is ${response.status} ${response.statusText}`.trimEnd();
    super(problem.code ?? 'unknown', [detail, firstOf(problem.errors)].join(' ').trim());
    this.status = response.status;
    this.detail = detail;
    this.requestId = problem.request_id ?? response.headers.get('x-request-id') ?? undefined;
    this.retryAfter = retryAfter(response);
    this.errors = problem.errors ?? [];
  }
}

/** The location and the message of the first error, and how many more there are. */
function firstOf([first, ...more]: readonly Fault[] = []): string {
  if (!first) return '';
  return `${first.path} ${first.message}${more.length > 0 ? ` (and ${more.length} more)` : ''}`;
}

/** 401 or 403: the API key is missing or wrong. */
export class AuthenticationError extends ApiError {
  override readonly name = 'AuthenticationError';
}

/** 404: there is nothing with that id. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError';
}

/** 409: the present state of things does not allow it. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError';
}

/** 400, 413, 415 or 422: the request is at fault; `errors` says where. */
export class InvalidRequestError extends ApiError {
  override readonly name = 'InvalidRequestError';
}

/** 429: too many requests, still so at the last try. */
export class RateLimitError extends ApiError {
  override readonly name = 'RateLimitError';
}

/** 5xx: the service could not answer, at the last try neither. */
export class UnavailableError extends ApiError {
  override readonly name = 'UnavailableError';
}

/** The error that an answer stands for. `body` is what was read of it: a problem of the service, or anything. */
export function errorOf(response: Response, body: unknown): ApiError {
  const { status } = response;
  const problem = isProblem(body) ? body : {};
  if (status >= 500) return new UnavailableError(response, problem);
  if (status === 401 || status === 403) return new AuthenticationError(response, problem);
  if (status === 404) return new NotFoundError(response, problem);
  if (status === 409) return new ConflictError(response, problem);
  if (status === 429) return new RateLimitError(response, problem);
  if ([400, 413, 415, 422].includes(status)) return new InvalidRequestError(response, problem);
  return new ApiError(response, problem);
}

/** Also something in between may answer in JSON: only the service names the request. */
function isProblem(body: unknown): body is Problem {
  return body !== null && typeof body === 'object' && 'code' in body && 'request_id' in body;
}
