import { InvalidRequestError, UnavailableError } from '../errors.ts';
import { isMissingRow } from './missing-row.ts';

/**
 * Makes one bad row hurt nobody else: a batch that fails on its data is written again one by one, and what fails
 * then is answered with its own error.
 *
 * @throws {UnavailableError} for all of them where the database is away: nothing is tried again.
 */
export function isolating<T, R>(write: (items: T[]) => Promise<R[]>) {
  return async (items: T[]): Promise<(R | Error)[]> => {
    try {
      return await write(items);
    } catch (error) {
      if (error instanceof UnavailableError) throw error;
      const results: (R | Error)[] = [];
      for (const item of items) {
        results.push(...(await write([item]).catch((failure: Error) => [toClientError(failure)])));
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
