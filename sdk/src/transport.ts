import { ConnectionError, TimeoutError } from './errors.ts';
import { type LogOptions, logOf } from './logging.ts';
import { after, delayAfter, isTransient, onAbort, type RetryPolicy, sleep } from './retry.ts';

export type Fetch = (request: Request) => Promise<Response>;

export interface TransportOptions extends RetryPolicy, LogOptions {
  fetch: Fetch;
  /** Timeout of each try in milliseconds, including the body. */
  timeout: number;
  /**
   * Aborts the calls. Default: the signal of each request. Node.js 20.0 keeps a listener of each Request on its signal.
   */
  signal?: AbortSignal | undefined;
  /** `stream`: the body of a successful response is not read; an abort also ends this body. */
  parseAs?: 'stream' | undefined;
}

/**
 * Creates a `fetch` with retries. A POST without an `Idempotency-Key` gets one, the same in every try, so that retries
 * have one effect. The other methods are idempotent.
 *
 * @throws {ConnectionError} if the last try has no response. An aborted signal rejects with its reason.
 */
export function createTransport(options: TransportOptions): Fetch {
  return async (request) => {
    if (request.method === 'POST' && !request.headers.has('idempotency-key'))
      request.headers.set('idempotency-key', crypto.randomUUID());
    const log = logOf(request, options);
    const { signal = request.signal } = options;
    for (let retries = 0; ; retries++) {
      log('debug', retries, { message: `try ${retries + 1}` });
      const outcome = await attempt(request, signal, options);
      const delay = delayAfter(outcome, retries, options);
      if (delay === null) {
        log(isTransient(outcome) ? 'error' : 'info', retries, outcome);
        if (outcome instanceof ConnectionError) throw outcome;
        return outcome;
      }
      const schedule = `, retry ${retries + 1} of ${options.maxRetries} in ${Math.round(delay)} ms`;
      log('warn', retries, outcome, schedule);
      await sleep(delay, signal);
    }
  };
}

async function attempt(
  request: Request,
  signal: AbortSignal,
  { fetch, timeout, maxRetries, parseAs }: TransportOptions,
): Promise<Response | ConnectionError> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const timer = after(timeout, () => controller.abort(new TimeoutError(timeout)));
  let release = onAbort(signal, () => controller.abort(signal.reason));
  try {
    // Without explicit headers, Node.js 20.8.1 and 20.9.0 lose the headers of a Request that is created from a Request.
    const init = { signal: controller.signal, headers: request.headers };
    // A clone is a further listener on the signal in Node.js 20.0, and keeps the whole body. Only a retry with a body needs one.
    const copied = request.method === 'GET' || !maxRetries ? request : request.clone();
    const response = await fetch(new Request(copied, init));
    if (parseAs && response.ok) release = () => {};
    // The body is read here, so that an incomplete body counts as a failed try.
    else await response.clone().arrayBuffer();
    // An abort during the read can fail the body of the response, but not of its clone.
    controller.signal.throwIfAborted();
    return response;
  } catch (cause) {
    signal.throwIfAborted();
    // Only a timeout has a reason here.
    return (
      controller.signal.reason ??
      new ConnectionError(`No response from ${new URL(request.url).origin}.`, cause)
    );
  } finally {
    clearTimeout(timer);
    release();
  }
}
