import { randomUUID } from 'node:crypto';
import type { Simulation } from '../../../simulation.ts';
import { type Answer, NoAnswerError, pause } from '../../../webhook-client.ts';
import { signatureHeaders, signingKey } from './signature.ts';

/** Deliveries to each URL. Source: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks */
const ATTEMPTS = 3;
const RETRY_DELAY_MS = 100;

/** An event of a message; every delivery has the same id. */
export interface Event {
  id: string;
  type: string;
  occurredAt: Date;
  payload: object;
}

export function eventOf(type: string, payload: object, id: string = randomUUID()): Event {
  return { id, type, occurredAt: new Date(), payload };
}

/** The JSON of a webhook. */
export function bodyOf(
  { id, type, occurredAt, payload }: Event,
  meta: object,
  unknownFields = false,
): string {
  const future = unknownFields ? { future: { field: [1] } } : {};
  return JSON.stringify({
    data: {
      ...{ event_type: type, id, occurred_at: occurredAt.toISOString(), record_type: 'event' },
      payload: { ...payload, ...future },
      ...future,
    },
    meta,
    ...future,
  });
}

/** Posts signed events to the service. */
export class TelnyxWebhooks {
  readonly #simulation: Simulation;
  readonly #key: ReturnType<typeof signingKey>;

  constructor(simulation: Simulation, seed: string) {
    this.#simulation = simulation;
    this.#key = signingKey(seed);
  }

  /**
   * Posts an event to the first URL, and after three failures to the next.
   *
   * @throws {NoAnswerError} there is no response to the last delivery.
   */
  async post(urls: readonly string[], event: Event): Promise<Answer> {
    const deliveries = urls.flatMap((url) => Array.from({ length: ATTEMPTS }, () => url));
    for (const [index, url] of deliveries.entries()) {
      const meta = { attempt: index + 1, delivered_to: url };
      const result = await this.#deliver(url, event, meta).catch((error: NoAnswerError) => error);
      const isSuccess = !(result instanceof NoAnswerError) && result.status >= 200 && result.status < 300;
      const isLast = index === deliveries.length - 1;
      if (!isSuccess && !isLast && !this.#simulation.signal.aborted) await pause(RETRY_DELAY_MS);
      else if (result instanceof NoAnswerError) throw result;
      else return result;
    }
    throw new NoAnswerError('there is no URL', false);
  }

  #deliver(url: string, event: Event, meta: object): Promise<Answer> {
    const { unknown_fields, timeout_ms } = this.#simulation.settings.telnyx;
    const body = bodyOf(event, meta, unknown_fields);
    return this.#simulation.webhooks.post(url, {
      ...{ dialect: 'telnyx', body, timeoutMs: timeout_ms, connectTimeoutMs: timeout_ms },
      headers: {
        'content-type': 'application/json',
        'user-agent': 'telnyx-webhooks',
        ...signatureHeaders(this.#key, Math.floor(Date.now() / 1_000), body),
      },
    });
  }
}
