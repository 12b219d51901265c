import { type Channel, type Settings, serviceUrl } from '../../settings.ts';
import { type Answer, pause, WebhookClient } from '../../webhook-client.ts';
import { sign } from './signature.ts';

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

/** @param secret `whsec_…`; without a secret, deliveries are not signed. */
export function createWebhookSender(
  secret: string | undefined,
  client: WebhookClient = new WebhookClient(),
): WebhookSender {
  async function post(url: string, id: string, event: object): Promise<Answer> {
    const body = JSON.stringify(event);
    const signature = secret ? sign(secret, id, Math.floor(Date.now() / 1_000), body) : {};
    const headers = { 'content-type': 'application/json', ...signature };
    return client.post(url, { dialect: 'standard', headers, body });
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
        const acknowledged = await client.limit(() => tryOnce(url(), id, event, signal));
        if (acknowledged !== null) return acknowledged;
        await pause(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1)));
      }
      return false;
    },
    cut: () => client.cut(),
  };
}

/** The URL for webhooks of a channel; `path` follows the channel. */
export function webhookUrl(settings: Settings, channel: Channel, path = ''): string {
  const { provider_name } = settings;
  const query = provider_name === null ? '' : `?provider=${encodeURIComponent(provider_name)}`;
  return `${serviceUrl(settings)}/api/webhooks/${channel}${path}${query}`;
}
