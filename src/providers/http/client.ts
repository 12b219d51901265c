import got, { type Got, type OptionsInit, type RequestError, type Response } from 'got';
import type { CallContext, CheckContext, FailedOutcome, SendOutcome } from '../provider.ts';
import { isOfConfiguration, REPEATED_ERRORS, tooLong, toStorable, toUnknown, wasNotSent } from './failure.ts';
import {
  bodyOf,
  isSuccess,
  onlySuccess,
  type ProviderResponse,
  parseJson,
  textOf,
  toProviderResponse,
} from './response.ts';
import { MAX_BODY_BYTES } from './response-body.ts';
import { type Sign, signWith } from './signing.ts';

/** Max `Retry-After` that a call waits for; after a longer one, the message waits for its next attempt. */
const MAX_RETRY_AFTER_MS = 3_000;
const REPEATS = 2;
const FIRST_DELAY_MS = 1_000;
/** Spreads the repeats of calls that failed at the same time. */
const JITTER_MS = 100;

/** How a kind of provider reads the responses of its API. */
export interface Dialect {
  /** The outcome of a 2xx response to a send. */
  readSuccess(response: ProviderResponse): SendOutcome;
  /** The outcome of a response with another status, from the provider's own codes first. */
  readFailure(response: ProviderResponse): FailedOutcome;
  /** Whether the same request may succeed some seconds later, so that a call repeats the request. */
  isTransient(response: ProviderResponse): boolean;
  /** Whether the provider processes repeated requests of one message once. */
  supportsIdempotencyKeys: boolean;
}

export interface ClientOptions {
  url: string;
  headers: Record<string, string>;
  /** The timeout of one request, in milliseconds, without the time to upload a large body. */
  timeoutMs: number;
  dialect: Dialect;
  /** The time to upload a body of this size, in milliseconds; default: none. */
  uploadMs?: UploadMs;
  /** For a kind that signs its requests. */
  sign?: Sign;
}

type UploadMs = (bytes: number) => number;
type RequestOptions = Pick<OptionsInit, 'method' | 'headers' | 'json' | 'body' | 'searchParams'>;

/** Max duration of one call in milliseconds, with its repeats. A request that needs time for its upload is not repeated. */
export function longestCallMs(timeoutMs: number, maxUploadMs = 0): number {
  return Math.max((REPEATS + 1) * timeoutMs + REPEATS * MAX_RETRY_AFTER_MS, timeoutMs + maxUploadMs);
}

/** Calls the HTTP API of a provider. Every response and every error becomes an outcome. */
export class ProviderClient {
  readonly #dialect: Dialect;
  readonly #timeoutMs: number;
  readonly #uploadMs: UploadMs;
  readonly #repeating: Got;
  readonly #single: Got;

  constructor({ url, headers, timeoutMs, dialect, sign, uploadMs = () => 0 }: ClientOptions) {
    const third = Math.ceil(timeoutMs / 3);
    this.#dialect = dialect;
    this.#timeoutMs = timeoutMs;
    this.#uploadMs = uploadMs;
    this.#repeating = got.extend({
      prefixUrl: url,
      // `decodeBody` limits the decompressed size; got does not.
      headers: { ...headers, 'user-agent': 'messaging-service', 'accept-encoding': 'identity' },
      decompress: false,
      responseType: 'buffer',
      // A connection that takes longer fails before a request is sent.
      timeout: { lookup: third, connect: third, secureConnect: third, request: timeoutMs },
      followRedirect: false,
      hooks: { afterResponse: [onlySuccess], beforeRequest: sign ? [signWith(sign)] : [] },
      retry: {
        limit: REPEATS,
        // got's default rules would take precedence over this function, with other statuses and without the `Retry-After` limit.
        enforceRetryRules: false,
        calculateDelay: ({ error, attemptCount }) => this.#delayOfRepeat(error, attemptCount),
      },
    });
    this.#single = this.#repeating.extend({ retry: { limit: 0, calculateDelay: () => 0 } });
  }

  /**
   * Sends a message. A request with a large body has more time, and is not repeated, so that a lease is longer than the call.
   * `readSuccess` replaces that of the dialect where a response depends on the message.
   */
  async send(
    path: string,
    request: RequestOptions,
    context: CallContext,
    readSuccess = this.#dialect.readSuccess,
  ): Promise<SendOutcome> {
    let mayHaveBeenAccepted = false;
    const { body, ...options } = withBody(request);
    const extraMs = typeof body === 'string' ? this.#uploadMs(Buffer.byteLength(body)) : 0;
    const once = context.once || extraMs > 0;
    const result = await this.#request(
      path,
      { ...context, once },
      {
        ...{ method: 'POST', body, ...options },
        ...(extraMs > 0 && { timeout: { request: this.#timeoutMs + extraMs } }),
        ...(!once && {
          hooks: {
            beforeRetry: [
              async (error) => {
                if (!(await context.mayContinue())) throw error;
              },
            ],
          },
          retry: {
            // Without idempotency keys a second request could send a second message.
            calculateDelay: ({ error, attemptCount }) => {
              const isUnknown = this.#outcomeOf(error).outcome === 'unknown';
              mayHaveBeenAccepted ||= isUnknown;
              const mayRepeat = !isUnknown || this.#dialect.supportsIdempotencyKeys;
              return mayRepeat ? this.#delayOfRepeat(error, attemptCount) : 0;
            },
          },
        }),
      },
    );
    if ('response' in result) return toSuccess(result.response, readSuccess);
    const { error, isTooLong } = result;
    if (isTooLong && error.response && isSuccess(error.response)) return tooLong(error.response.statusCode);
    const outcome = this.#outcomeOf(error);
    const isOfLastRequest = outcome.outcome === 'unavailable' || outcome.outcome === 'throttled';
    // 409 to a repeat: a request with the same key is still being processed (draft-ietf-httpapi-idempotency-key-header).
    const isInProgress =
      this.#dialect.supportsIdempotencyKeys &&
      outcome.httpStatus === 409 &&
      (mayHaveBeenAccepted || context.mayHaveBeenAccepted);
    return isInProgress || (mayHaveBeenAccepted && isOfLastRequest) ? toUnknown(outcome) : outcome;
  }

  /** Reads a resource; null if there is no complete 2xx response with JSON. */
  async get(path: string, request: RequestOptions, context: CallContext): Promise<unknown> {
    const result = await this.read(path, request, context);
    return 'json' in result ? result.json : null;
  }

  /** Reads a resource; `json` is null for a 2xx response without complete JSON. */
  async read(
    path: string,
    request: RequestOptions,
    context: CheckContext,
  ): Promise<{ json: unknown } | { failure: FailedOutcome }> {
    const result = await this.#request(path, context, request);
    if ('error' in result) return { failure: this.#outcomeOf(result.error) };
    return { json: parseJson(textOf(result.response)) };
  }

  /** Makes a request and reads at most `MAX_BODY_BYTES` of the response; closes the connection of a longer response. */
  async #request(
    path: string,
    { once, signal }: CheckContext,
    options: OptionsInit & { isStream?: false },
  ): Promise<{ response: Response<Uint8Array> } | { error: RequestError; isTooLong: boolean }> {
    const limit = new AbortController();
    const client = once ? this.#single : this.#repeating;
    const request = client(path, { ...options, signal: AbortSignal.any([signal, limit.signal]) });
    request.on('downloadProgress', ({ transferred }) => {
      if (transferred > MAX_BODY_BYTES) limit.abort();
    });
    try {
      return { response: (await request) as unknown as Response<Uint8Array> };
    } catch (error) {
      return { error: error as RequestError, isTooLong: limit.signal.aborted };
    }
  }

  /** The outcome of a failed request. It depends on the status if one was received, even if the body is incomplete. */
  #outcomeOf(error: RequestError): FailedOutcome {
    const { response } = error;
    if (response !== undefined && !isSuccess(response))
      return this.#dialect.readFailure(toProviderResponse(response, textOf(response)));
    const code = error.code.toLowerCase();
    const failure = {
      ...{ httpStatus: response?.statusCode ?? null, code, detail: toStorable(error.message) },
      class: isOfConfiguration(code) ? ('account_problem' as const) : ('provider_error' as const),
    };
    return wasNotSent(error)
      ? { ...failure, outcome: 'unavailable', retryAfterMs: null, isOperatorError: isOfConfiguration(code) }
      : { ...failure, outcome: 'unknown' };
  }

  /**
   * Milliseconds until a call repeats its request, or 0 for no repeat. A call repeats its request after a transient status
   * or a connection error.
   */
  #delayOfRepeat({ code, response }: RequestError, attemptCount: number): number {
    if (attemptCount > REPEATS) return 0;
    const failed =
      response !== undefined && !isSuccess(response) ? toProviderResponse(response, textOf(response)) : null;
    if (!(failed ? this.#dialect.isTransient(failed) : REPEATED_ERRORS.has(code))) return 0;
    const requested = failed?.retryAfterMs ?? null;
    if (requested === null) return FIRST_DELAY_MS * 2 ** (attemptCount - 1) + Math.random() * JITTER_MS;
    // A delay of 0 means no repeat to got.
    return requested > MAX_RETRY_AFTER_MS ? 0 : Math.max(1, requested);
  }
}

/** A request with its body as text, whose size is known. */
function withBody({ json, headers, ...request }: RequestOptions): RequestOptions {
  if (json === undefined) return { ...request, ...(headers && { headers }) };
  return {
    ...request,
    body: JSON.stringify(json),
    headers: { 'content-type': 'application/json', ...headers },
  };
}

function toSuccess(response: Response<Uint8Array>, readSuccess: Dialect['readSuccess']): SendOutcome {
  const body = bodyOf(response);
  return body === 'too_long'
    ? tooLong(response.statusCode)
    : readSuccess(toProviderResponse(response, body?.text ?? null));
}
