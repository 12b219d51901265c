import { UnavailableError } from '../errors.ts';

export interface DatabaseError {
  code?: string;
  message?: string;
}

/**
 * SQLSTATE classes and codes of a server that is unreachable, starting, stopping, out of resources or connections, too slow
 * (57014), or read-only (25006). Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE = /^(08|53|57P0|57014|55000|25006)/;
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);
/** Messages of pg and Knex, whose errors have no code. */
const DRIVER =
  /Query read timeout|Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Unable to acquire a connection|Timeout acquiring a connection|not queryable/;

/** Returns an `UnavailableError` with the error as its cause if the database is unavailable, otherwise the error itself. */
export function availability(error: unknown): unknown {
  const { code, message } = nativeError(error);
  const unavailable =
    code === undefined ? DRIVER.test(message ?? '') : UNAVAILABLE.test(code) || NETWORK.has(code);
  return unavailable ? new UnavailableError('The database is not available.', { cause: error }) : error;
}

/** The error of the driver, which Objection wraps. */
function nativeError(error: unknown): DatabaseError {
  const { nativeError: native = error } = error as { nativeError?: unknown };
  return native as DatabaseError;
}

/** The error of pg for a server that did not respond in time. The connection cannot be used again. */
export function isReadTimeout(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}
