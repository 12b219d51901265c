import { ServiceError, UnavailableError } from '../errors.ts';
import { isMissingFunction } from './functions.ts';

/**
 * SQLSTATE classes and codes of a server that is unreachable, starting, stopping, out of resources or connections, too slow
 * (57014, 25P03, 25P04), read-only (25006), or whose disk fails (58), and of rows that are locked (55P03) or changed by
 * concurrent transactions (40).
 * Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE = /^(08|40|53|58|57P0|57014|55000|55P03|25006|25P0[34])/;
/** Codes of Node.js for errors of the network and of TLS. */
const NETWORK = /^(E[A-Z0-9]+|ERR_(SSL|TLS|SOCKET|STREAM)_\w+|\w*CERT\w*|UNABLE_TO_\w+)$/;
/** Messages of pg and Knex, whose errors have no code. */
const DRIVER =
  /Query read timeout|Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Unable to acquire a connection|Timeout acquiring a connection|not queryable|received invalid response/;

/**
 * Returns an `UnavailableError` with the error as its cause if the database is unavailable or a stored function is missing,
 * otherwise the error itself.
 */
export function availability(error: unknown): unknown {
  if (error instanceof ServiceError) return error;
  const { code = '', message = '' } = nativeError(error);
  const state = sqlState(error);
  const unavailable =
    state === undefined ? NETWORK.test(code) || DRIVER.test(message) : UNAVAILABLE.test(state);
  return unavailable || isMissingFunction(error) ? unavailableError(error) : error;
}

/**
 * The error of a statement. An error without a SQLSTATE is always an `UnavailableError`, because the server may have
 * executed and committed the statement.
 */
export function statementError(error: unknown): unknown {
  if (error instanceof ServiceError || sqlState(error) !== undefined) return availability(error);
  return unavailableError(error);
}

/** The SQLSTATE of an error that the server has reported. It has a digit, unlike codes of Node.js such as `EPIPE`. */
export function sqlState(error: unknown): string | undefined {
  const { code } = nativeError(error);
  return code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the error proves that the write of a transaction was rolled back, so that the write may be repeated. */
export function provesRollback(error: unknown): boolean {
  return sqlState(error) !== undefined && availability(error) === error;
}

function unavailableError(cause: unknown): UnavailableError {
  return new UnavailableError('The database is not available.', { cause });
}

/** The error of the driver, which Objection wraps. */
function nativeError(error: unknown): { code?: string; message?: string } {
  const { nativeError: native = error } = error as { nativeError?: object };
  return native as object;
}

/** The error of pg for a server that did not respond in time. The connection cannot be used again. */
export function isReadTimeout(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}
