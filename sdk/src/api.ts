import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import { ConnectionError, errorOf, type MessagingError } from './errors.ts';
import { type List, type Pages, paginate } from './pagination.ts';
import type { paths } from './schema.ts';
import { createTransport, type Fetch, type TransportOptions } from './transport.ts';

/** Every operation of the contract, typed by it. */
export type RawClient = FetchClient<paths>;

export interface RequestOptions {
  /** Ends the call, also while it waits between two tries; it rejects with the signal's reason then. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for each try, in place of the client's. */
  timeout?: number | undefined;
  /** How often it is made again at the most, in place of the client's. */
  maxRetries?: number | undefined;
}

export interface WriteOptions extends RequestOptions {
  /** One of your own (1 to 255 printable ASCII characters) makes it the same request also after a restart. */
  idempotencyKey?: string | undefined;
}

/** What openapi-fetch is given with a request. */
interface Init {
  fetch: Fetch;
  headers: Record<string, string>;
  signal: AbortSignal | null;
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

export interface Api {
  raw: RawClient;
  /** What the service answers. @throws {MessagingError} */
  call<Data>(options: WriteOptions | undefined, send: (init: Init) => Promise<Answer<Data>>): Promise<Data>;
  /** A list, a page at a time. */
  list<Body extends List<unknown>>(
    options: RequestOptions | undefined,
    cursor: string | undefined,
    send: (init: Init, cursor: { cursor?: string }) => Promise<Answer<Body>>,
  ): Pages<Body>;
}

export function createApi(baseUrl: string, headers: Record<string, string>, defaults: TransportOptions): Api {
  const raw = createFetchClient<paths>({ baseUrl, headers, fetch: createTransport(defaults) });
  const call: Api['call'] = async (options = {}, send) => {
    const { signal = null, timeout = defaults.timeout, maxRetries = defaults.maxRetries } = options;
    const { data, error, response } = await send({
      fetch: createTransport({ ...defaults, timeout, maxRetries }),
      headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
      signal,
    }).catch(rethrow);
    if (!response.ok) throw errorOf(response, error);
    if (data === undefined) throw unexpected();
    return data;
  };
  return {
    raw,
    call,
    list: (options, start, send) =>
      paginate((next) => {
        const cursor = next ?? start;
        return call(options, (init) => send(init, cursor === undefined ? {} : { cursor }));
      }),
  };
}

function rethrow(error: unknown): never {
  throw error instanceof SyntaxError ? unexpected(error) : error;
}

function unexpected(cause?: unknown): MessagingError {
  return new ConnectionError('The answer is not one of the service.', cause, 'unexpected_answer');
}
