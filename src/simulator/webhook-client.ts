import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { DialectName } from './settings.ts';

/** The response of the service to a webhook. */
export interface Answer {
  status: number;
  contentType: string | null;
  body: string;
}

export function isSuccess({ status }: Pick<Answer, 'status'>): boolean {
  return status >= 200 && status < 300;
}

/** A request to the service, for the log. */
export interface WebhookCall {
  dialect: DialectName;
  url: string;
  /** Null without a response. */
  status: number | null;
  content_type: string | null;
  body: string | null;
  /** Why the provider regards the webhook as failed; null for a success. */
  problem: string | null;
  /** Milliseconds since 1970. */
  at: number;
}

export interface WebhookRequest {
  dialect: DialectName;
  headers: Record<string, string>;
  body: string | Buffer;
  /** Max milliseconds until the connection is open; default: 15,000. */
  connectTimeoutMs?: number;
  /** Max milliseconds without data; default: 15,000. */
  timeoutMs?: number;
  /** Why the provider regards a response with a 2xx status as failed; null for a success. */
  problemOf?(answer: Answer): string | null;
}

/** There is no response to a webhook. */
export class NoAnswerError extends Error {
  /** Whether a connection was open, so that the service may have processed the webhook. */
  readonly connected: boolean;
  /** Whether the service had closed an idle connection, so that the webhook must be sent on another connection. */
  readonly isStale: boolean;

  constructor(message: string, connected: boolean, isStale = false) {
    super(message);
    this.connected = connected;
    this.isStale = isStale;
  }
}

const TIMEOUT_MS = 15_000;
/** The maximum number of concurrent deliveries: a burst of receipts must not open thousands of sockets. */
const SOCKETS = 32;
/** The errors of a request on a connection that the service has closed. */
const CLOSED = new Set(['ECONNRESET', 'EPIPE']);
/** The parts of a URL as text: a URL parser would change characters that a provider signs. */
const URL_PARTS = /^(https?):\/\/(?:([^@/?#]*)@)?(\[[^\]]+\]|[^:/?#]+)(?::(\d+))?([^#]*)$/i;

/** Posts webhooks. Each message has several receipts; a more convenient HTTP client would cost half of the messages per second. */
export class WebhookClient {
  readonly #agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: SOCKETS }),
    https: new https.Agent({ keepAlive: true, maxSockets: SOCKETS }),
  };
  /** Runs at most `SOCKETS` functions at once. */
  readonly limit = pLimit(SOCKETS);
  readonly #log: (call: WebhookCall) => void;

  constructor(log: (call: WebhookCall) => void = () => undefined) {
    this.#log = log;
  }

  /**
   * Delivers a webhook once. The path and the query are sent as they are in the URL.
   *
   * @throws {NoAnswerError} there is no response.
   */
  async post(url: string, request: WebhookRequest): Promise<Answer> {
    const call = { dialect: request.dialect, url, at: Date.now() };
    try {
      const answer = await this.#exchangeOnce(url, request);
      const { status, contentType: content_type, body } = answer;
      const problem = isSuccess(answer) ? (request.problemOf?.(answer) ?? null) : `the status is ${status}`;
      this.#log({ ...call, status, content_type, body, problem });
      return answer;
    } catch (error) {
      this.#log({ ...call, status: null, content_type: null, body: null, problem: (error as Error).message });
      throw error;
    }
  }

  async #exchangeOnce(url: string, request: WebhookRequest): Promise<Answer> {
    for (;;) {
      const result = await this.#exchange(url, request).catch(toNoAnswerError);
      if (!(result instanceof NoAnswerError)) return result;
      if (!result.isStale) throw result;
    }
  }

  #exchange(url: string, request: WebhookRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const sent = this.#open(url, request);
      const fail = ({ message, code = '' }: NodeJS.ErrnoException) =>
        reject(new NoAnswerError(message, connected, sent.reusedSocket && CLOSED.has(code)));
      sent.once('response', (response) => {
        const { statusCode: status = 0, headers } = response;
        const contentType = headers['content-type'] ?? null;
        text(response).then((body) => resolve({ status, contentType, body }), fail);
      });
      sent.once('socket', (socket) => {
        connected = !socket.connecting;
        if (connected) return;
        const timer = setTimeout(
          () => sent.destroy(new Error('no connection in time')),
          request.connectTimeoutMs ?? TIMEOUT_MS,
        );
        socket.once('connect', () => {
          connected = true;
        });
        for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(timer));
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.on('error', fail).end(request.body);
    });
  }

  #open(url: string, { headers, timeoutMs = TIMEOUT_MS }: WebhookRequest): http.ClientRequest {
    const [, protocol = '', auth, host = '', port, rest = ''] = URL_PARTS.exec(url) ?? [];
    if (!protocol) throw new NoAnswerError('the URL is invalid', false);
    const isTls = protocol.toLowerCase() === 'https';
    return (isTls ? https : http).request({
      method: 'POST',
      agent: this.#agents[isTls ? 'https' : 'http'],
      hostname: host.replace(/^\[|\]$/g, ''),
      ...(port && { port }),
      path: rest.startsWith('/') ? rest : `/${rest}`,
      ...(auth && { auth: decodeURIComponent(auth) }),
      headers,
      timeout: timeoutMs,
    });
  }

  /** Aborts the running deliveries. */
  cut(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

/** Some invalid URLs are only found when the request is created. */
function toNoAnswerError(error: Error): NoAnswerError {
  return error instanceof NoAnswerError ? error : new NoAnswerError(error.message, false);
}

/** Has no signal: thousands of calls wait at once, and adding a listener to a signal costs time for each other listener. */
export function pause(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false });
}
