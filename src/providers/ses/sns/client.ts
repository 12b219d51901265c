import got, { type Got, type RequestError } from 'got';
import { UnavailableError } from '../../../errors.ts';

/** SNS waits 15 seconds for the response to a webhook. */
const TIMEOUT_MS = 8_000;
const CONNECT_MS = 3_000;
const MAX_BYTES = 64 * 1_024;
/** Requests at once: a webhook causes its request before its signature is verified. */
const MAX_REQUESTS = 8;

/** Fetches the certificates and the confirmations of SNS, whose URLs the caller has checked. */
export class SnsClient {
  readonly #client: Got;
  #running = 0;

  constructor() {
    this.#client = got.extend({
      headers: { 'user-agent': 'messaging-service', 'accept-encoding': 'identity' },
      decompress: false,
      followRedirect: false,
      throwHttpErrors: false,
      responseType: 'text',
      retry: { limit: 0 },
      timeout: { lookup: CONNECT_MS, connect: CONNECT_MS, secureConnect: CONNECT_MS, request: TIMEOUT_MS },
    });
  }

  /**
   * The body of a resource; null if SNS refuses the request.
   *
   * @throws {UnavailableError} there is no response, or a 429 or a 5xx, so that SNS must send the webhook again.
   */
  async get(url: URL): Promise<string | null> {
    if (this.#running >= MAX_REQUESTS) throw new UnavailableError('Too many requests to SNS at once.');
    this.#running++;
    const limit = new AbortController();
    try {
      const request = this.#client.get(url, { signal: limit.signal });
      request.on('downloadProgress', ({ transferred }) => {
        if (transferred > MAX_BYTES) limit.abort();
      });
      const { statusCode, body } = await request;
      if (statusCode === 429 || statusCode >= 500)
        throw new UnavailableError(`SNS responds with ${statusCode}.`);
      return statusCode >= 200 && statusCode < 300 ? body : null;
    } catch (error) {
      if (error instanceof UnavailableError) throw error;
      if (limit.signal.aborted) return null;
      throw new UnavailableError(`SNS cannot be reached (${(error as RequestError).code}).`, {
        cause: error,
      });
    } finally {
      this.#running--;
    }
  }
}
