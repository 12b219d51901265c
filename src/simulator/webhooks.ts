import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import got, { type Response } from 'got';
import { sign } from './signature.ts';

export interface WebhookSender {
  /**
   * Delivers an event, again and again under the same id until the service takes it, as providers do.
   *
   * @returns the service's answer; the last one where it never took it.
   * @throws where the service cannot be reached in all the tries, or the sender is closed.
   */
  deliver(url: string, event: object, options?: { tries?: number; id?: string }): Promise<Response<string>>;
  close(): void;
}

const TRIES = 20;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 2_000;
/** A burst of receipts waits for a socket rather than opening thousands. */
const SOCKETS = 32;

export function createWebhookSender(secret: string | undefined): WebhookSender {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  const closing = new AbortController();

  function post(url: string, id: string, body: string): Promise<Response<string>> {
    const signature = secret ? sign(secret, id, Math.floor(Date.now() / 1_000), body) : {};
    return got.post(url, {
      body,
      headers: { 'content-type': 'application/json', ...signature },
      agent: { http: agent },
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      timeout: { request: 15_000 },
      signal: closing.signal,
    });
  }

  return {
    close: () => {
      closing.abort();
      agent.destroy();
    },
    deliver: async (url, event, { tries = TRIES, id = `evt_${randomUUID()}` } = {}) => {
      const body = JSON.stringify(event);
      for (let tried = 1; ; tried++) {
        const answer = await post(url, id, body).catch((error: Error) => error);
        const last = tried >= tries || closing.signal.aborted;
        if (answer instanceof Error && last) throw answer;
        if (!(answer instanceof Error) && (last || !mayBeTakenLater(answer.statusCode))) return answer;
        const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1));
        await sleep(delay, undefined, { signal: closing.signal, ref: false });
      }
    },
  };
}

function mayBeTakenLater(status: number): boolean {
  return status >= 500 || status === 429;
}
