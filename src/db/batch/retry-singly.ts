import { InvalidRequestError, UnavailableError } from '../../errors.ts';
import { isMissingRow } from '../missing-row.ts';

/**
 * Isolates invalid items of a batch. If a batch fails, each item is written singly, and only items that fail again get an
 * error. If the database is unavailable, the whole batch fails without a retry.
 *
 * @param toItemError changes the error of an item; `toClientError` for errors that are returned to a client.
 */
export function retrySingly<T, R>(
  write: (items: T[]) => Promise<R[]>,
  toItemError: (error: Error) => Error = (error) => error,
) {
  return async (items: T[]): Promise<(R | Error)[]> => {
    try {
      return await write(items);
    } catch (error) {
      if (error instanceof UnavailableError) throw error;
      const results: (R | Error)[] = [];
      for (const item of items) {
        results.push(...(await write([item]).catch((failure: Error) => [toItemError(failure)])));
      }
      return results;
    }
  };
}

/**
 * Changes the error of an item to an error for a client: `UnavailableError` for a missing row, because the row may exist
 * when the client retries; `InvalidRequestError` for a value that its column cannot store (SQLSTATE class 22).
 */
export function toClientError(error: Error & { code?: string }): Error {
  if (isMissingRow(error))
    return new UnavailableError('A row of the database that the request needs was deleted.', {
      cause: error,
    });
  if (!error.code?.startsWith('22')) return error;
  return new InvalidRequestError([
    { path: '/body', message: `has a value that cannot be stored: ${error.message}` },
  ]);
}
