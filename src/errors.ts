/** One validation error of a request: its path (`/body/from`) and the reason. */
export interface Fault {
  path: string;
  message: string;
}

export type ErrorCode =
  | 'malformed_json'
  | 'unauthorized'
  | 'forbidden'
  | 'insufficient_scope'
  | 'invalid_request'
  | 'not_found'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'range_not_satisfiable'
  | 'too_many_requests'
  | 'idempotency_key_reused'
  | ProtocolFailure
  | Conflict
  | NoAccount
  | 'country_not_allowed'
  | 'recipient_suppressed'
  | 'position_expired'
  | 'unavailable';

/** Reasons why a request is not valid HTTP or not supported. */
export type ProtocolFailure =
  | 'bad_request'
  | 'request_timeout'
  | 'expectation_failed'
  | 'headers_too_large'
  | 'not_implemented';

/** Reasons why the state of the stored data does not allow a request. */
export type Conflict =
  | 'link_to_self'
  | 'already_linked'
  | 'participants_share_conversation'
  | 'participant_erased'
  | 'own_address'
  | 'external_id_taken'
  | 'not_cancelable'
  | 'not_retriable'
  | 'not_redactable'
  | 'webhook_in_progress'
  | 'webhook_not_processed'
  | 'too_many_endpoints';

/** Reasons why no account can send a message. */
export type NoAccount = 'no_provider_for_sender' | 'missing_capability';

/** An error that is reported to the client; its code is part of the contract. */
export class ServiceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The validation errors that a response lists at most. */
const MAX_FAULTS = 32;

/** The request does not match the contract; lists at most the first `MAX_FAULTS` validation errors. */
export class InvalidRequestError extends ServiceError {
  readonly faults: Fault[];

  constructor(faults: Fault[]) {
    const shown = faults.slice(0, MAX_FAULTS);
    const count = shown.length < faults.length ? `more than ${MAX_FAULTS}` : `${faults.length}`;
    super('invalid_request', `The request has ${count} validation error${count === '1' ? '' : 's'}.`);
    this.faults = shown;
  }
}

/** The credentials of a request are missing or wrong. */
export class UnauthorizedError extends ServiceError {
  constructor(message = 'The credentials are missing or wrong.') {
    super('unauthorized', message);
  }
}

/** The configuration does not allow requests for this host or from this origin. */
export class ForbiddenError extends ServiceError {
  constructor(message: string) {
    super('forbidden', message);
  }
}

/** The API key does not have the scope that the operation requires. */
export class InsufficientScopeError extends ServiceError {
  readonly requiredScope: 'read' | 'send' | 'admin';

  constructor(requiredScope: 'read' | 'send' | 'admin') {
    super('insufficient_scope', `The API key does not have the scope "${requiredScope}".`);
    this.requiredScope = requiredScope;
  }
}

/** Events after a position of the feed are not kept any more. */
export class PositionExpiredError extends ServiceError {
  /** The position before the first event that is kept. */
  readonly position: number;

  constructor(position: number) {
    super('position_expired', `The first event that is kept has position ${position + 1}.`);
    this.position = position;
  }
}

export class NotFoundError extends ServiceError {
  constructor(what: string) {
    super('not_found', `There is no ${what}.`);
  }
}

export class PayloadTooLargeError extends ServiceError {
  constructor(limit: number) {
    super('payload_too_large', `The body is over ${limit} bytes.`);
  }
}

/** The request is not valid HTTP, or did not arrive completely. */
export class ProtocolError extends ServiceError {
  declare readonly code: ProtocolFailure;

  constructor(code: ProtocolFailure, message: string) {
    super(code, message);
  }
}

export class MalformedJsonError extends ServiceError {
  constructor(message = 'The body is not valid JSON.', options?: ErrorOptions) {
    super('malformed_json', message, options);
  }
}

export class UnsupportedMediaTypeError extends ServiceError {
  constructor(message: string) {
    super('unsupported_media_type', message);
  }
}

/** A file has none of the bytes of the range. */
export class RangeNotSatisfiableError extends ServiceError {
  /** The bytes of the file. */
  readonly size: number;

  constructor(size: number) {
    super('range_not_satisfiable', `The file has ${size} bytes.`);
    this.size = size;
  }
}

/** `retryAfter` is in seconds. */
export class TooManyRequestsError extends ServiceError {
  readonly retryAfter: number;

  constructor(perSecond: number, retryAfter: number) {
    super('too_many_requests', `Rate limit exceeded: ${perSecond} requests per second.`);
    this.retryAfter = retryAfter;
  }
}

export class IdempotencyKeyReusedError extends ServiceError {
  constructor() {
    super('idempotency_key_reused', 'This Idempotency-Key was used with another request.');
  }
}

/** The state of the stored data does not allow the request. */
export class ConflictError extends ServiceError {
  declare readonly code: Conflict;

  constructor(code: Conflict, message: string) {
    super(code, message);
  }
}

/** The service is temporarily unavailable; whether the request had an effect is unknown. `retryAfter` is in seconds. */
export class UnavailableError extends ServiceError {
  readonly retryAfter: number;

  constructor(message: string, options?: ErrorOptions & { retryAfter?: number }) {
    super('unavailable', message, options);
    this.retryAfter = options?.retryAfter ?? 1;
  }
}

/** The service cannot start; each reason is one line with the remedy for the operator. */
export class StartError extends Error {
  readonly reasons: string[];

  constructor(reasons: string[], options?: ErrorOptions) {
    super(reasons.join('; '), options);
    this.name = 'StartError';
    this.reasons = reasons;
  }
}
