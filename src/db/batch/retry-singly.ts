import { InvalidRequestError, UnavailableError } from '../../errors.ts';
import { isMissingRow } from '../missing-row.ts';

/**
 * Keeps one bad item from failing the other items of its batch: if a batch fails because of its data, each item is
 * written singly, and an item that fails again gets its own error.
 *
 * @param toItemError changes the error of an item; `toClientError` for errors that are returned to a client.
 * @throws {UnavailableError} for the whole batch if the database is unavailable: nothing is written again.
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

/** SQLSTATE class 22: a value that the type of its column cannot hold. A missing row may be there when the client retries. */
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
