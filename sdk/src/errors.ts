import { retryAfter } from './retry-after.ts';
import type { components } from './schema.ts';

export type Problem = components['schemas']['Problem'];
/** One validation error of a request. `path` is its location: `/body/…`, `/query/…`, `/path/…` or `/headers/…`. */
export type Fault = NonNullable<Problem['errors']>[number];

/** The base class of all errors of this package. */
export class MessagingError extends Error {
  override readonly name: string = 'MessagingError';
  /** A stable identifier of the error. */
  declare readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** There is no response, or the response is not from the service. Whether the request had an effect is unknown. */
export class ConnectionError extends MessagingError {
  override readonly name: string = 'ConnectionError';

  constructor(message: string, cause?: unknown, code = 'connection_failed') {
    super(code, message, { cause });
  }
}

/** The last try had no complete response within `timeout`, or `wait` had no result within `timeoutMs`. */
export class TimeoutError extends ConnectionError {
  override readonly name = 'TimeoutError';

  constructor(milliseconds: number, missing = 'No response') {
    super(`${missing} within ${milliseconds} ms.`, undefined, 'timeout');
  }
}

/** The service responded with an error. `message` contains `detail` and the first of the `errors`. */
export class ApiError extends MessagingError {
  override readonly name: string = 'ApiError';
  /** The HTTP status. */
  declare readonly status: number;
  /** A description of the error. */
  declare readonly detail: string;
  /** Identifies the request in the logs of the service. */
  declare readonly requestId: string;
  /** Seconds to wait before a retry (`Retry-After`), if the service set it. */
  declare readonly retryAfter: number | undefined;
  /** The validation errors of the request. */
  declare readonly errors: readonly Fault[];
  /** A code of the contract. */
  declare readonly code: Problem['code'];

  constructor(response: Response, { code, detail, request_id, errors = [] }: Problem) {
    super(code, `${detail} ${firstOf(errors)}`.trim());
    this.status = response.status;
    this.detail = detail;
    this.requestId = request_id;
    this.retryAfter = retryAfter(response);
    this.errors = errors;
  }
}

/** The path and message of the first error, and the number of further errors. */
function firstOf([first, ...more]: readonly Fault[]): string {
  if (!first) return '';
  return `${first.path} ${first.message}${more.length > 0 ? ` (and ${more.length} more)` : ''}`;
}

/** 401 or 403: the API key is missing, wrong, or without the scope of the operation. */
export class AuthenticationError extends ApiError {
  override readonly name = 'AuthenticationError';
}

/** 404: there is no resource with this id. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError';
}

/** 409: the state of the resource does not allow the request. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError';
}

/** 400, 413, 415, 416 or 422: the request is invalid; `errors` has the locations. */
export class InvalidRequestError extends ApiError {
  override readonly name = 'InvalidRequestError';
}

/** 429: the rate limit is exceeded, also at the last try. */
export class RateLimitError extends ApiError {
  override readonly name = 'RateLimitError';
}

/** 5xx: the service is unavailable, also at the last try. */
export class UnavailableError extends ApiError {
  override readonly name = 'UnavailableError';
}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: InvalidRequestError,
  401: AuthenticationError,
  403: AuthenticationError,
  404: NotFoundError,
  409: ConflictError,
  413: InvalidRequestError,
  415: InvalidRequestError,
  416: InvalidRequestError,
  422: InvalidRequestError,
  429: RateLimitError,
};

/** The error of a response that is not 2xx. Without a problem document, the response is not from the service. */
export function errorOf(response: Response, body: unknown): MessagingError {
  const { status } = response;
  // An intermediary may respond with JSON too; only the service's problem documents have a `request_id`.
  const problem = body as Partial<Problem> | null | undefined;
  if (!problem?.code || !problem.request_id) return unexpected(status);
  const Refusal = status >= 500 ? UnavailableError : (BY_STATUS[status] ?? ApiError);
  return new Refusal(response, problem as Problem);
}

/** The error of a response that is not from the service, for example because `baseUrl` is wrong. */
export function unexpected(status: number | string, cause?: unknown): ConnectionError {
  return new ConnectionError(
    `The response (status ${status}) is not from the service.`,
    cause,
    'unexpected_response',
  );
}
