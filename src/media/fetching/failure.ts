import type { RequestError } from 'got';
import type { Schema } from '../../openapi/types.ts';
import { toStorable } from '../../providers/http/failure.ts';

type Code = Schema<'MediaErrorCode'>;

interface FailureOptions {
  /** The number of attempts after which the file has failed; default: the maximum of the caller. */
  attempts?: number;
  /** The `Retry-After` of the server, in milliseconds. */
  retryAfterMs?: number | null;
}

/**
 * Twilio reports a message before its files can be read, so that the first attempts may get 404. Source:
 * https://help.twilio.com/articles/44750147594523
 */
const NOT_FOUND_ATTEMPTS = 5;

/** An attempt to fetch a file failed. The message has neither the query of a URL nor credentials. */
export class FetchFailure extends Error {
  readonly code: Code;
  readonly retryAfterMs: number;
  readonly #attempts: number;

  constructor(
    code: Code,
    detail: string,
    { attempts = Number.POSITIVE_INFINITY, retryAfterMs }: FailureOptions = {},
  ) {
    super(toStorable(detail));
    this.code = code;
    this.#attempts = attempts;
    this.retryAfterMs = retryAfterMs ?? 0;
  }

  /**
   * Whether the file has failed with this attempt, so that no other attempt follows.
   *
   * @param max the max attempts of any failure.
   */
  isFinal(attempt: number, max: number): boolean {
    return attempt >= Math.min(this.#attempts, max);
  }
}

/** A failure after which another attempt would fail in the same way. */
export function permanent(code: Code, detail: string): FetchFailure {
  return new FetchFailure(code, detail, { attempts: 1 });
}

export function tooLarge(maxBytes: number): FetchFailure {
  return permanent('too_large', `The file has more than ${maxBytes / 1_048_576} MiB.`);
}

/**
 * The failure of a response that is neither the file nor a redirect. The operator can correct credentials, so that these are tried
 * again as long as the file may exist.
 */
export function ofStatus(status: number, retryAfterMs: number | null): FetchFailure {
  const detail = `The server responded ${status}.`;
  if (status === 410) return permanent('not_found', detail);
  if (status === 404) return new FetchFailure('not_found', detail, { attempts: NOT_FOUND_ATTEMPTS });
  if (status === 401 || status === 403) return new FetchFailure('refused', detail);
  return new FetchFailure('unreachable', detail, { retryAfterMs });
}

/** The failure of an error of the connection or of the transfer. */
export function ofError(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const { code = '', name, message, cause } = error as RequestError;
  if (cause instanceof FetchFailure) return cause;
  if (code === 'ADDRESS_NOT_ALLOWED') return permanent('address_not_allowed', message);
  if (name === 'TimeoutError') return new FetchFailure('unreachable', 'The server did not respond in time.');
  return new FetchFailure('unreachable', message);
}
