import createFetchClient, {
  type ClientPathsWithMethod,
  type Client as FetchClient,
  type HeadersOptions,
  type MaybeOptionalInit,
  type MethodResponse,
} from 'openapi-fetch';
import { ApiPromise, received, type WithResponse } from './api-promise.ts';
import { errorOf, unexpected } from './errors.ts';
import { type List, Pages } from './pagination.ts';
import type { paths } from './schema.ts';
import { createTransport, type TransportOptions } from './transport.ts';

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

/** The part of a request that `exchange` reads. */
interface Extras {
  params?: unknown;
  parseAs?: 'stream';
}

/** A stream of events waits as long as the service says. */
type CallOptions = WriteOptions & Pick<TransportOptions, 'maxRetryAfter'>;

type Verb = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
/** The paths with an operation of this method. */
type PathOf<Method extends Verb> = ClientPathsWithMethod<RawClient, Lowercase<Method>>;
/** The parameters and the body of an operation. */
type RequestOf<Method extends Verb, Path extends PathOf<Method>> = MaybeOptionalInit<
  paths[Path],
  Lowercase<Method>
>;
/** The body of a successful response; an empty object for 204. */
type DataOf<Method extends Verb, Path extends PathOf<Method>> =
  MethodResponse<RawClient, Lowercase<Method>, Path> extends infer Data extends object ? Data : object;
/** The parameters of an operation without a body. */
type ParamsOf<Path extends PathOf<'GET'>> = paths[Path] extends { get: { parameters: infer Params } }
  ? Params
  : never;
/** A method of openapi-fetch. */
type Send = (path: string, init: object) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

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
  call<Method extends Verb, Path extends PathOf<Method>>(
    method: Method,
    path: Path,
    request: RequestOf<Method, Path> & Extras,
    options: CallOptions | undefined,
  ): ApiPromise<DataOf<Method, Path>>;
  /** Makes a request at once. The promise resolves with the body of the response, which arrives while it is read. */
  open<Path extends PathOf<'GET'>>(
    path: Path,
    params: ParamsOf<Path>,
    options: CallOptions | undefined,
  ): ApiPromise<ReadableStream<Uint8Array>>;
  /**
   * Reads a list page by page.
   *
   * @param cursorName the query parameter for the `next_cursor` of the previous page. Default: `cursor`.
   */
  list<Path extends PathOf<'GET'>>(
    path: Path,
    params: ParamsOf<Path> & { query: object },
    options: RequestOptions | undefined,
    cursorName?: string,
  ): Pages<Extract<DataOf<'GET', Path>, List<unknown>>>;
}

/** The parameters of an operation of one resource. */
export const byId = (id: number) => ({ params: { path: { id } } });

export function createApi(baseUrl: string, headers: HeadersOptions, defaults: TransportOptions): Api {
  const raw = createFetchClient<paths>({ baseUrl, headers, fetch: createTransport(defaults) });
  const exchange = async <Data extends object>(
    method: Verb,
    path: string,
    request: Extras,
    {
      idempotencyKey,
      signal,
      timeout = defaults.timeout,
      maxRetries = defaults.maxRetries,
      maxRetryAfter,
    }: CallOptions = {},
  ): Promise<WithResponse<Data>> => {
    const { data, error, response } = await (raw[method] as Send)(path, {
      ...request,
      fetch: createTransport({
        ...defaults,
        signal,
        timeout,
        maxRetries,
        maxRetryAfter,
        parseAs: request.parseAs,
      }),
      headers: { 'idempotency-key': idempotencyKey },
    }).catch(rethrow);
    if (!response.ok) throw errorOf(response, error);
    if (data === undefined && response.status !== 204) throw unexpected(response.status);
    return received((data ?? {}) as Data, response);
  };
  const call = <Data extends object>(...operation: Parameters<typeof exchange>): ApiPromise<Data> => {
    const started = exchange<Data>(...operation);
    return new ApiPromise(() => started);
  };
  return {
    raw,
    defaults,
    call,
    open: (path, params, options) => call('GET', path, { params, parseAs: 'stream' }, options),
    list: (path, params, options, cursorName = 'cursor') =>
      new Pages((cursor) => {
        const query = cursor === undefined ? params.query : { ...params.query, [cursorName]: cursor };
        return exchange('GET', path, { params: { ...params, query } }, options);
      }),
  };
}

/** A SyntaxError means that the body of a successful response is not JSON. */
export function rethrow(error: unknown): never {
  throw error instanceof SyntaxError ? unexpected('2xx', error) : error;
}

/** The options of a request that has a further effect if it is repeated: not retried by default. */
export const once = (options?: RequestOptions) => ({ ...options, maxRetries: options?.maxRetries ?? 0 });
