import { InvalidRequestError, UnavailableError } from '../../errors.ts';
import { provesRollback } from '../availability.ts';
import { isMissingRow } from '../missing-row.ts';

/**
 * Isolates invalid items of a batch. If the server refuses a batch, each item is written singly, and only items that fail
 * again get an error. After any other error, the batch may have been committed, so it fails without a retry.
 *
 * @param toItemError changes the error of an item; `toClientError` for errors that are returned to a client.
 */
export function retrySingly<T, R>(
  write: (items: T[]) => Promise<R[]>,
  toItemError: (error: Error, item: T) => Error = (error) => error,
) {
  return async (items: T[]): Promise<(R | Error)[]> => {
    try {
      return await write(items);
    } catch (error) {
      if (!provesRollback(error)) throw error;
      return writeSingly(write, items, toItemError);
    }
  };
}

/** After an error that is not an error of the item, the other items are not written and get the same error. */
async function writeSingly<T, R>(
  write: (items: T[]) => Promise<R[]>,
  items: T[],
  toItemError: (error: Error, item: T) => Error,
): Promise<(R | Error)[]> {
  const results: (R | Error)[] = [];
  let failure: Error | undefined;
  for (const item of items) {
    const result: (R | Error)[] = failure
      ? [failure]
      : await write([item]).catch((error: Error) => {
          if (!provesRollback(error)) failure = error;
          return [toItemError(error, item)];
        });
    results.push(...result);
  }
  return results;
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
