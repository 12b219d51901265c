import { type Answer, NoAnswerError, pause, type WebhookClient } from '../../webhook-client.ts';
import { authorizationOf, type Signer } from './signature.ts';

/**
 * Vonage repeats a webhook after a 429, a 5xx and no response, for 24 hours; the simulator has shorter delays. Source:
 * https://api.support.vonage.com/hc/en-us/articles/360028543292
 */
const TRIES = 20;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;

export interface PostOptions {
  /** Whether the webhook is not signed, by a fault at Vonage. */
  unsigned?: boolean;
}

/** Posts signed JSON to the service. */
export class VonageWebhooks {
  readonly #client: WebhookClient;
  readonly #signer: Signer;

  constructor(client: WebhookClient, signer: Signer) {
    this.#client = client;
    this.#signer = signer;
  }

  /**
   * Posts an event once.
   *
   * @throws {NoAnswerError} there is no response.
   */
  post(url: string, event: object, { unsigned = false }: PostOptions = {}): Promise<Answer> {
    const body = JSON.stringify(event);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Nexmo/MessagingHUB/v1.0',
      ...(!unsigned && { authorization: authorizationOf(this.#signer, body) }),
    };
    return this.#client.post(url, { dialect: 'vonage', headers, body });
  }

  /**
   * Posts an event, and repeats it after a 429, a 5xx and no response. Gives up after `TRIES` deliveries, or when `signal` is aborted.
   *
   * @param unsignedFirst whether the first delivery is not signed.
   * @throws {NoAnswerError} there was no response to the last delivery.
   */
  async deliver(url: string, event: object, unsignedFirst: boolean, signal: AbortSignal): Promise<Answer> {
    for (let tried = 1; ; tried++) {
      const unsigned = unsignedFirst && tried === 1;
      const result = await this.#client
        .limit(() => this.post(url, event, { unsigned }))
        .catch((error: NoAnswerError) => error);
      const isLast = tried === TRIES || signal.aborted;
      if (result instanceof NoAnswerError) {
        if (isLast) throw result;
      } else if (isLast || !isRepeated(result)) return result;
      await pause(Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1)));
    }
  }
}

function isRepeated({ status }: Answer): boolean {
  return status === 429 || status >= 500;
}
