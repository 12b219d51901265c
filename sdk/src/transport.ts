import { ConnectionError, TimeoutError } from './errors.ts';
import { type Log, type LogOptions, logOf } from './logging.ts';
import { after, delayAfter, isTransient, onAbort, type RetryPolicy, sleep } from './retry.ts';

export type Fetch = (request: Request) => Promise<Response>;

export interface TransportOptions extends RetryPolicy, LogOptions {
  fetch: Fetch;
  /** Timeout of each try in milliseconds, including the body. */
  timeout: number;
  /** Aborts the calls. Default: the signal of each request. */
  signal?: AbortSignal;
  /** Called before a successful response is returned with a body that is not read. The controller closes its connection. */
  onOpen?: ((connection: AbortController) => void) | undefined;
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
      log('debug', `try ${retries + 1}`, retries);
      const outcome = await attempt(request, signal, options);
      const delay = delayAfter(outcome, retries, options);
      if (delay === null) return settle(outcome, retries, log);
      const schedule = `retry ${retries + 1} of ${options.maxRetries} in ${Math.round(delay)} ms`;
      log('warn', `${describe(outcome)}, ${schedule}`, retries, outcome);
      await sleep(delay, signal);
    }
  };
}

/** Ends a call with the outcome of its last try. */
function settle(outcome: Response | ConnectionError, retries: number, log: Log): Response {
  log(isTransient(outcome) ? 'error' : 'info', describe(outcome), retries, outcome);
  if (outcome instanceof ConnectionError) throw outcome;
  return outcome;
}

function describe(outcome: Response | ConnectionError): string {
  return outcome instanceof ConnectionError ? outcome.message : `status ${outcome.status}`;
}

async function attempt(
  request: Request,
  signal: AbortSignal,
  { fetch, timeout, maxRetries, onOpen }: TransportOptions,
): Promise<Response | ConnectionError> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const timer = after(timeout, () => controller.abort(new TimeoutError(timeout)));
  const release = onAbort(signal, () => controller.abort(signal.reason));
  try {
    // Without explicit headers, Node.js 20.8.1 and 20.9.0 lose the headers of a Request that is created from a Request.
    const init = { signal: controller.signal, headers: request.headers };
    // A clone is a further listener on the signal in Node.js 20.0, and keeps the whole body. Only a retry with a body needs one.
    const copied = request.method === 'GET' || !maxRetries ? request : request.clone();
    const response = await fetch(new Request(copied, init));
    if (onOpen && response.ok) onOpen(controller);
    // The body is read here, so that an incomplete body counts as a failed try.
    else await response.clone().arrayBuffer();
    // An abort during the read can fail the body of the response, but not of its clone.
    controller.signal.throwIfAborted();
    return response;
  } catch (cause) {
    signal.throwIfAborted();
    if (controller.signal.aborted) return controller.signal.reason as TimeoutError;
    return new ConnectionError(`No response from ${new URL(request.url).origin}.`, cause);
  } finally {
    clearTimeout(timer);
    release();
  }
}
