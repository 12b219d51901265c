import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { sign } from './signature.ts';

/** The response of the service to a webhook. */
export interface Answer {
  status: number;
  body: string;
}

export interface WebhookSender {
  /**
   * Delivers an event once.
   *
   * @param id the same in every delivery of an event.
   * @throws {Error} there is no response.
   */
  post(url: string, id: string, event: object): Promise<Answer>;
  /**
   * Delivers an event and repeats the delivery under the same id until the service answers, as providers do. Gives up
   * after `TRIES` deliveries, or when `signal` is aborted.
   *
   * @param url called before each delivery, because the URL of the service may change.
   * @returns whether the service answered 2xx.
   */
  deliver(url: () => string, id: string, event: object, signal: AbortSignal): Promise<boolean>;
  /** Aborts the running deliveries. */
  cut(): void;
}

const TRIES = 20;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 2_000;
const TIMEOUT_MS = 15_000;
/** The maximum number of concurrent deliveries: a burst of receipts must not open thousands of sockets. */
const SOCKETS = 32;

/** @param secret `whsec_…`; without a secret, deliveries are not signed. */
export function createWebhookSender(secret: string | undefined): WebhookSender {
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: SOCKETS }),
    https: new https.Agent({ keepAlive: true, maxSockets: SOCKETS }),
  };
  const limit = pLimit(SOCKETS);

  // Each message has two receipts. A more convenient HTTP client would cost half of the messages per second.
  function post(url: string, id: string, event: object): Promise<Answer> {
    const body = JSON.stringify(event);
    const signature = secret ? sign(secret, id, Math.floor(Date.now() / 1_000), body) : {};
    const [{ request }, agent] = url.startsWith('https:') ? [https, agents.https] : [http, agents.http];
    const options = {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', ...signature },
      timeout: TIMEOUT_MS,
    };
    return new Promise((resolve, reject) => {
      const sent = request(url, options, (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
      sent.on('error', reject).end(body);
    });
  }

  /** Returns whether the service answered 2xx; null if the delivery must be repeated. */
  async function tryOnce(
    url: string,
    id: string,
    event: object,
    signal: AbortSignal,
  ): Promise<boolean | null> {
    if (signal.aborted) return false;
    const answer = await post(url, id, event).catch(() => null);
    if (answer === null || answer.status >= 500 || answer.status === 429) return null;
    return answer.status >= 200 && answer.status < 300;
  }

  return {
    post,
    deliver: async (url, id, event, signal) => {
      for (let tried = 1; tried <= TRIES; tried++) {
        const acknowledged = await limit(() => tryOnce(url(), id, event, signal));
        if (acknowledged !== null) return acknowledged;
        await pause(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1)));
      }
      return false;
    },
    cut: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** Has no signal: thousands of calls wait at once, and adding a listener to a signal costs time for each other listener. */
export function pause(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false });
}
