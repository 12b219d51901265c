import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { sign } from './signature.ts';

/** What the service said to a webhook. */
export interface Answer {
  status: number;
  body: string;
}

export interface WebhookSender {
  /**
   * Delivers an event once.
   *
   * @param id the same in every delivery of the same event.
   * @throws where no answer comes.
   */
  post(url: string, id: string, event: object): Promise<Answer>;
  /**
   * Delivers an event, again and again under the same id until the service takes it, as providers do. Gives
   * up in the end, without a word, and at once when `signal` is aborted.
   *
   * @param url asked before each try, as the service may have moved.
   * @returns whether the service took it, which is to say that it answered 2xx.
   */
  deliver(url: () => string, id: string, event: object, signal: AbortSignal): Promise<boolean>;
  /** Cuts the deliveries that are on the wire. */
  cut(): void;
}

const TRIES = 20;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 2_000;
const TIMEOUT_MS = 15_000;
/** A burst of receipts waits for its turn rather than opening thousands of sockets. */
const SOCKETS = 32;

/** @param secret `whsec_…`; deliveries are not signed unless told. */
export function createWebhookSender(secret: string | undefined): WebhookSender {
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: SOCKETS }),
    https: new https.Agent({ keepAlive: true, maxSockets: SOCKETS }),
  };
  const inTurn = pLimit(SOCKETS);

  // Two receipts for every message: what a client with more comfort costs would halve the messages per
  // second.
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

  /** Whether the service took it; null where it is to be tried again. */
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
        const taken = await inTurn(() => tryOnce(url(), id, event, signal));
        if (taken !== null) return taken;
        await pause(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1)));
      }
      return false;
    },
    cut: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/**
 * Takes no signal: thousands wait at once, and each listener on a signal costs a walk over all the
 * others.
 */
export function pause(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false });
}
