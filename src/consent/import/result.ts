import { InvalidRequestError, ServiceError, UnavailableError } from '../../errors.ts';
import type { ImportErrors } from './errors.ts';

/** What an import has stored so far. */
export interface ImportResult {
  rows: number;
  added: number;
  changed: number;
  unchanged: number;
  errors: ImportErrors;
}

/** The error of an import that has stopped, with what it has stored. Errors of the header stay, because nothing is stored. */
export function withCounts(error: unknown, result: ImportResult): unknown {
  if (result.rows === 0 || !(error instanceof ServiceError)) return error;
  const { added, changed, unchanged, errors } = result;
  const counts = `${added} added, ${changed} changed, ${unchanged} unchanged, ${errors.count} rejected`;
  if (error instanceof InvalidRequestError)
    return new InvalidRequestError(
      error.faults.map(({ path, message }) => ({ path, message: `${message}; rows before it: ${counts}` })),
    );
  const text = `${error.message} Rows before it: ${counts}. Repeating the import is safe.`;
  if (error instanceof UnavailableError)
    return new UnavailableError(text, { cause: error.cause, retryAfter: error.retryAfter });
  return new ServiceError(error.code, text, { cause: error.cause });
}
