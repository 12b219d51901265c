/** The body of a response. `requestId` is not enumerable, so the body prints, compares and serialises as the service sent it. */
export type WithRequestId<Data> = Data & {
  /** Identifies the request in the logs of the service. Undefined if the header was removed on the way. */
  readonly requestId: string | undefined;
};

export interface WithResponse<Data> {
  data: WithRequestId<Data>;
  /** The response with its status and headers. Its body has been read. */
  response: Response;
  /** The `X-Request-Id` of the response. */
  requestId: string | undefined;
}

type Start<Data> = () => Promise<WithResponse<Data>>;

/** Resolves with the body of the response. Every method of the client that makes one request returns this promise. */
export class ApiPromise<Data> extends Promise<WithRequestId<Data>> {
  readonly #start: Start<Data>;

  /** `then`, `catch` and `finally` return plain promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(start: Start<Data>) {
    // `then` never uses the state of this promise. So a rejection is reported as unhandled only if nothing reads the result.
    super(() => {});
    this.#start = start;
  }

  /** Resolves with the body, the response and the request id. @throws {MessagingError} as the promise itself. */
  withResponse(): Promise<WithResponse<Data>> {
    return this.#start();
  }

  // biome-ignore lint/suspicious/noThenProperty: overrides the method of Promise
  override then<Fulfilled = WithRequestId<Data>, Rejected = never>(
    onFulfilled?: ((data: WithRequestId<Data>) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#start()
      .then(({ data }) => data)
      .then(onFulfilled, onRejected);
  }
}

/** Adds the request id of the response to its body. */
export function received<Data extends object>(data: Data, response: Response): WithResponse<Data> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  Object.defineProperty(data, 'requestId', { value: requestId });
  return { data: data as WithRequestId<Data>, response, requestId };
}
