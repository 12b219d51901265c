import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import { ApiPromise, received, type WithResponse } from './api-promise.ts';
import { errorOf, unexpected } from './errors.ts';
import { type List, Pages } from './pagination.ts';
import type { paths } from './schema.ts';
import { createTransport, type Fetch, type TransportOptions } from './transport.ts';

/** Every operation of the contract, with its types. */
export type RawClient = FetchClient<paths>;

export interface RequestOptions {
  /** Aborts the call, including its delays between retries. The call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Timeout of each try in milliseconds. Default: the timeout of the client. */
  timeout?: number | undefined;
  /** Maximum number of retries. Default: the maximum of the client. */
  maxRetries?: number | undefined;
}

export interface WriteOptions extends RequestOptions {
  /** 1 to 255 printable ASCII characters. Default: a random key per call. With your own key, you can repeat a call after a restart. */
  idempotencyKey?: string | undefined;
}

/** The options of one request to openapi-fetch. */
interface Init {
  fetch: Fetch;
  headers: Record<string, string>;
  signal: AbortSignal | null;
}

interface Result<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

type Send<Data> = (init: Init) => Promise<Result<Data>>;

/** The requests that the resources share. */
export interface Api {
  raw: RawClient;
  /** Makes a request at once. The promise resolves with the body of the response. @throws {MessagingError} */
  call<Data extends object>(options: WriteOptions | undefined, send: Send<Data>): ApiPromise<Data>;
  /** Reads a list page by page. */
  list<Body extends List<unknown>>(
    options: RequestOptions | undefined,
    cursor: string | undefined,
    send: (init: Init, cursor: { cursor?: string }) => Promise<Result<Body>>,
  ): Pages<Body>;
}

export function createApi(baseUrl: string, headers: Record<string, string>, defaults: TransportOptions): Api {
  const raw = createFetchClient<paths>({ baseUrl, headers, fetch: createTransport(defaults) });
  const exchange = async <Data extends object>(
    options: WriteOptions = {},
    send: Send<Data>,
  ): Promise<WithResponse<Data>> => {
    const { signal = null, timeout = defaults.timeout, maxRetries = defaults.maxRetries } = options;
    const { data, error, response } = await send({
      fetch: createTransport({ ...defaults, timeout, maxRetries }),
      headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
      signal,
    }).catch(rethrow);
    if (!response.ok) throw errorOf(response, error);
    if (data === undefined) throw unexpected(response.status);
    return received(data, response);
  };
  return {
    raw,
    call: (options, send) => {
      const started = exchange(options, send);
      return new ApiPromise(() => started);
    },
    list: (options, start, send) =>
      new Pages((next) => {
        const cursor = next ?? start;
        return exchange(options, (init) => send(init, cursor === undefined ? {} : { cursor }));
      }),
  };
}

function rethrow(error: unknown): never {
  // The body of a successful response is not JSON.
  throw error instanceof SyntaxError ? unexpected('2xx', error) : error;
}
