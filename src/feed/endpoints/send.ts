import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import got, { type Got, type PlainResponse, type RequestError } from 'got';
import { AddressPolicy } from '../../egress/address-policy.ts';
import { FilteredLookup } from '../../egress/lookup.ts';
import type { Schema } from '../../openapi/types.ts';
import { isOfTls, toStorable } from '../../providers/http/failure.ts';
import { isSuccess } from '../../providers/http/response.ts';
import { retryAfterMs } from '../../providers/http/retry-after.ts';
import { signatureBy, signingKey } from '../../providers/standard/signature.ts';
import type { EndpointSecrets } from './secret.ts';

/** An event for an endpoint. */
export interface EndpointRequest {
  url: string;
  /** The `webhook-id`, the same in every attempt. */
  id: string;
  /** JSON. */
  body: string;
  /** As they are stored, the current secret first. Each signs the request. */
  secrets: readonly string[];
}

export interface EndpointResult {
  outcome: Schema<'EndpointOutcome'>;
  /** Null without a response. */
  statusCode: number | null;
  /** Null after a success. */
  error: Schema<'EndpointError'> | null;
  durationMs: number;
  /** The first `MAX_BODY_BYTES` of the response of a failed attempt, as text; null without such a body. */
  responseBody: string | null;
  /** The value of `Retry-After` in milliseconds, at most an hour; null if the header is absent or invalid. */
  retryAfterMs: number | null;
}

export interface SenderOptions {
  /** The entries of `ALLOWED_PRIVATE_HOSTS`. */
  allowedPrivateHosts: readonly string[];
  secrets: EndpointSecrets;
  /** Max duration of an attempt; default: 15 seconds. */
  timeoutMs?: number;
  /** In place of the DNS servers of the system. */
  dnsServers?: readonly string[];
}

/** `SECRET_KEYS` does not name the key of a stored secret. */
class SecretUnreadableError extends Error {
  readonly code = 'SECRET_UNREADABLE';

  constructor() {
    super(
      'SECRET_KEYS has no key that encrypted the secret of the endpoint: restore the key, or rotate the secret.',
    );
  }
}

const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 1_024;
/** The status is the result of an attempt; its body is only read for this time. */
const BODY_MS = 1_000;
/** The time after which an idle connection is closed, and the idle connections of one host. */
const AGENT = { keepAlive: true, timeout: 30_000, maxFreeSockets: 5 };

/** Sends events to endpoints. Connections are kept open; the addresses of each new connection are checked. */
export class EndpointSender {
  readonly policy: AddressPolicy;
  readonly #lookup: FilteredLookup;
  readonly #agents = { http: new http.Agent(AGENT), https: new https.Agent(AGENT) };
  readonly #client: Got;
  readonly #timeoutMs: number;
  readonly #secrets: EndpointSecrets;

  constructor({ allowedPrivateHosts, secrets, timeoutMs = TIMEOUT_MS, dnsServers }: SenderOptions) {
    this.policy = new AddressPolicy(allowedPrivateHosts);
    this.#lookup = new FilteredLookup(this.policy, dnsServers);
    this.#timeoutMs = timeoutMs;
    this.#secrets = secrets;
    this.#client = got.extend({
      method: 'POST',
      agent: this.#agents,
      headers: { 'user-agent': 'messaging-service', 'content-type': 'application/json' },
      decompress: false,
      followRedirect: false,
      throwHttpErrors: false,
      retry: { limit: 0 },
      https: { rejectUnauthorized: true },
    });
  }

  /** Makes one attempt. Every response and every error becomes a result. */
  async send(request: EndpointRequest, signal?: AbortSignal): Promise<EndpointResult> {
    const start = performance.now();
    const result = await this.#post(request, signal).then(ofResponse, ofError);
    return { ...result, durationMs: Math.round(performance.now() - start) };
  }

  /** Closes the idle connections. */
  stop(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #post({ url, id, body, secrets }: EndpointRequest, signal?: AbortSignal): Promise<Answer> {
    const timestamp = `${Math.floor(Date.now() / 1_000)}`;
    const [current = null, ...previous] = secrets.map((stored) => this.#secrets.open(stored));
    if (current === null) throw new SecretUnreadableError();
    const keys = [current, ...previous.filter((secret) => secret !== null)].map(signingKey);
    const signature = signatureBy(keys, { id, timestamp }, body);
    const endsAt = performance.now() + this.#timeoutMs;
    const send = async () => {
      const stream = this.#client.stream(url, {
        headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature },
        body,
        dnsLookup: this.#lookup.for(new URL(url)),
        timeout: { request: Math.max(1, Math.round(endsAt - performance.now())) },
        ...(signal && { signal }),
      });
      return answerOf(stream);
    };
    // The endpoint may close an idle connection at the moment when the request is sent. Both requests share the time of the attempt.
    return send().catch((error) => {
      if (isOfClosedConnection(error)) return send();
      throw error;
    });
  }
}

interface Answer {
  response: PlainResponse;
  body: Buffer;
}
type Outcome = Omit<EndpointResult, 'durationMs'>;

async function answerOf(stream: Readable): Promise<Answer> {
  const response = await new Promise<PlainResponse>((resolve, reject) => {
    stream.once('response', resolve);
    stream.on('error', reject);
  });
  return { response, body: await startOf(stream) };
}

/** The first `MAX_BODY_BYTES`, or what arrived of them; closes the connection if the body has more. */
async function startOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => stream.destroy(), BODY_MS);
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_BODY_BYTES) break;
    }
  } catch {
    // The status has arrived, so it is the result, also if the rest of the body is lost.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES);
}

function ofResponse({ response, body }: Answer): Outcome {
  const { statusCode, headersDistinct } = response;
  const result = { statusCode, retryAfterMs: retryAfterMs(headersDistinct['retry-after'], Date.now()) };
  if (isSuccess(response)) return { ...result, outcome: 'succeeded', error: null, responseBody: null };
  const isRedirect = statusCode >= 300 && statusCode <= 399;
  const detail = `The endpoint responded ${statusCode}${isRedirect ? '; redirects are not followed' : ''}.`;
  // An incomplete character at the end is omitted.
  const text = new TextDecoder().decode(body, { stream: true }).replaceAll('\0', '');
  return {
    ...result,
    outcome: 'failed',
    error: { code: 'status', detail },
    responseBody: text === '' ? null : text,
  };
}

function ofError(error: RequestError): Outcome {
  // A `TimeoutError` is about the whole attempt; ETIMEDOUT of the system has the address in its message.
  const detail = error.name === 'TimeoutError' ? 'The endpoint did not respond in time.' : error.message;
  return {
    ...{ outcome: 'failed', statusCode: null, responseBody: null, retryAfterMs: null },
    error: { code: codeOf(error.code ?? ''), detail: toStorable(detail) },
  };
}

function codeOf(code: string): Schema<'EndpointErrorCode'> {
  if (code === 'SECRET_UNREADABLE') return 'secret_unreadable';
  if (code === 'ADDRESS_NOT_ALLOWED') return 'address_not_allowed';
  // The signal was aborted, because the process stops.
  if (code === 'ERR_ABORTED') return 'worker_lost';
  if (code === 'ETIMEDOUT') return 'timeout';
  return isOfTls(code.toLowerCase()) ? 'tls' : 'connection';
}

function isOfClosedConnection({ code, request }: RequestError): boolean {
  return request?.reusedSocket === true && (code === 'ECONNRESET' || code === 'EPIPE');
}
