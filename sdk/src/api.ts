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
type Init = {
  fetch: Fetch;
  /** A header with the value undefined is not sent. */
  headers: Record<string, string | undefined>;
  signal: AbortSignal | null;
};

/** For a body that is not read, and for one that is not JSON. */
type Extras = Pick<TransportOptions, 'onOpen'> & { headers?: Record<string, string> };

interface Result<Data> {
  data?: Data | null | undefined;
  error?: unknown;
  response: Response;
}

/** Makes a request with its parameters and body. */
type Send<Request, Data> = (init: Init & Request) => Promise<Result<Data>>;

/** The requests that the resources share. */
export interface Api {
  raw: RawClient;
  /** The options of the client. */
  defaults: TransportOptions;
  /**
   * Makes a request at once. The promise resolves with the body of the response, or an empty object for 204.
   *
   * @throws {MessagingError}
   */
  call<Request extends object, Data extends object>(
    request: Request & Extras,
    options: WriteOptions | undefined,
    send: Send<Request, Data>,
  ): ApiPromise<Data>;
  /**
   * Reads a list page by page.
   *
   * @param cursorName the query parameter for the `next_cursor` of the previous page. Default: `cursor`.
   */
  list<Params extends { query: object }, Body extends List<unknown>>(
    request: { params: Params },
    options: RequestOptions | undefined,
    send: Send<{ params: Params }, Body>,
    cursorName?: string,
  ): Pages<Body>;
}

/** The parameters of an operation of one resource. */
export const byId = (id: number) => ({ params: { path: { id } } });

export function createApi(baseUrl: string, headers: Init['headers'], defaults: TransportOptions): Api {
  const raw = createFetchClient<paths>({ baseUrl, headers, fetch: createTransport(defaults) });
  const exchange = async <Request extends object, Data extends object>(
    request: Request & Extras,
    options: WriteOptions = {},
    send: Send<Request, Data>,
  ): Promise<WithResponse<Data>> => {
    const { signal = null, timeout = defaults.timeout, maxRetries = defaults.maxRetries } = options;
    const { data, error, response } = await send({
      ...request,
      fetch: createTransport({ ...defaults, timeout, maxRetries, onOpen: request.onOpen }),
      headers: { ...request.headers, 'idempotency-key': options.idempotencyKey },
      signal,
    }).catch(rethrow);
    if (!response.ok) throw errorOf(response, error);
    if (data === undefined && response.status !== 204) throw unexpected(response.status);
    return received(data ?? ({} as Data), response);
  };
  return {
    raw,
    defaults,
    call: (request, options, send) => {
      const started = exchange(request, options, send);
      return new ApiPromise(() => started);
    },
    list: ({ params }, options, send, cursorName = 'cursor') =>
      new Pages((cursor) => {
        const query = cursor === undefined ? params.query : { ...params.query, [cursorName]: cursor };
        return exchange({ params: { ...params, query } }, options, send);
      }),
  };
}

/** A SyntaxError means that the body of a successful response is not JSON. */
export function rethrow(error: unknown): never {
  throw error instanceof SyntaxError ? unexpected('2xx', error) : error;
}
