import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import got, { type Got, type PlainResponse } from 'got';
import { AddressPolicy } from '../../egress/address-policy.ts';
import { FilteredLookup } from '../../egress/lookup.ts';
import { retryAfterMs } from '../../providers/http/retry-after.ts';
import type { Provider } from '../../providers/provider.ts';
import { FetchFailure, ofError, ofStatus } from './failure.ts';

export interface MediaClientOptions {
  /** The entries of `ALLOWED_PRIVATE_HOSTS`. */
  allowedPrivateHosts: readonly string[];
  /** Max time of the look-up, of the connection, and from the request to the response, in milliseconds; default: 15 seconds each. */
  responseMs?: number;
  /** In place of the DNS servers of the system. */
  dnsServers?: readonly string[];
}

/** The response with a file. */
export interface OpenFile {
  headers: PlainResponse['headers'];
  /** The bytes as they arrive, still encoded. Must be read or destroyed. */
  body: Readable;
}

const RESPONSE_MS = 15_000;
const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** 203 is a 200 that a proxy has changed. */
const SUCCESS = new Set([200, 203]);

/** Requests the files of inbound messages. Every connection is new, so that its address is checked. */
export class MediaClient {
  readonly #lookup: FilteredLookup;
  readonly #client: Got;

  constructor({ allowedPrivateHosts, responseMs = RESPONSE_MS, dnsServers }: MediaClientOptions) {
    this.#lookup = new FilteredLookup(new AddressPolicy(allowedPrivateHosts), dnsServers);
    this.#client = got.extend({
      agent: { http: new http.Agent({ keepAlive: false }), https: new https.Agent({ keepAlive: false }) },
      headers: { 'user-agent': 'messaging-service', accept: '*/*', 'accept-encoding': 'identity' },
      // `transfer` limits the decompressed size; got does not.
      decompress: false,
      followRedirect: false,
      throwHttpErrors: false,
      retry: { limit: 0 },
      timeout: {
        lookup: responseMs,
        connect: responseMs,
        secureConnect: responseMs,
        response: responseMs,
      },
      https: { rejectUnauthorized: true },
    });
  }

  /**
   * Requests a file, with the credentials of the account if the URL may get them. Each redirect is a new request without
   * credentials, whose address is checked too.
   *
   * @throws {FetchFailure}
   */
  async open(
    source: string,
    { origin, mediaHeaders }: Pick<Provider, 'origin' | 'mediaHeaders'>,
    signal: AbortSignal,
  ): Promise<OpenFile> {
    let url = new URL(source);
    let headers = mediaHeaders(url);
    // A foreign host must not lead to the private address of the account.
    let isTrusted = url.origin === origin;
    for (let redirects = 0; ; redirects++) {
      const { response, body } = await this.#request(url, headers, isTrusted, signal).catch((error) => {
        throw ofError(error);
      });
      const { statusCode, headersDistinct } = response;
      if (SUCCESS.has(statusCode)) return { headers: response.headers, body };
      body.destroy();
      const location = REDIRECTS.has(statusCode) ? response.headers.location : undefined;
      if (location === undefined)
        throw ofStatus(statusCode, retryAfterMs(headersDistinct['retry-after'], Date.now()));
      if (redirects === MAX_REDIRECTS)
        throw new FetchFailure('unreachable', `The server redirects more than ${MAX_REDIRECTS} times.`);
      url = targetOf(location, url);
      headers = null;
      isTrusted &&= url.origin === origin;
    }
  }

  async #request(
    url: URL,
    headers: Record<string, string> | null,
    isTrusted: boolean,
    signal: AbortSignal,
  ): Promise<{ response: PlainResponse; body: Readable }> {
    const target = new URL(url);
    // The credentials of a URL of a message are not those of the account.
    target.username = '';
    target.password = '';
    const stream = this.#client.stream(target.href, {
      ...(headers && { headers }),
      ...(!isTrusted && { dnsLookup: this.#lookup.for(target) }),
      signal,
    });
    const response = await new Promise<PlainResponse>((resolve, reject) => {
      stream.once('response', resolve);
      stream.on('error', reject);
      // Without a listener, Node closes the connection after 101, and got waits until the signal is aborted.
      stream.once('request', (request: http.ClientRequest) =>
        request.once('upgrade', ({ statusCode }, socket) => {
          socket.destroy();
          reject(ofStatus(statusCode as number, null));
        }),
      );
    });
    return { response, body: stream };
  }
}

function targetOf(location: string, from: URL): URL {
  const target = URL.parse(location, from.href);
  if (target && /^https?:$/.test(target.protocol)) return target;
  throw new FetchFailure('unreachable', 'The server redirects to a URL that is not http or https.');
}
