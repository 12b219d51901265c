import { ConnectionError, createClient, type SendMessage, UnavailableError } from '../../sdk/src/index.ts';
import type { Sent } from './checker/evidence.ts';

/** Few retries, so that those who wait for the service to come back do not wait for long when it is there. */
const PATIENCE = { timeout: 10_000, maxRetries: 4, retryDelay: 100 };
const EXPECTED = [202, 503];

/** Sends a message until it is acknowledged; false where that was given up. What came back is noted in `sent`. */
export type Sender = (sent: Sent) => Promise<boolean>;

/**
 * A client of the service as its users are: the SDK, with a key for each message, and again after the SDK's own
 * retries, since a service that is away is no reason to give up.
 *
 * @param signal ends the trying.
 */
export function createSender(baseUrl: string, apiKey: string, signal: AbortSignal): Sender {
  return async (sent) => {
    const noting = async (request: Request) => {
      const response = await fetch(request);
      if (!EXPECTED.includes(response.status)) sent.odd.push(String(response.status));
      return response;
    };
    const { messages } = createClient({ baseUrl, apiKey, fetch: noting, ...PATIENCE });
    // Which fields belong to which type is the workload's to mind, and the service's to check.
    const message = sent.request as SendMessage;
    while (!signal.aborted) {
      try {
        const { id, conversation_id } = await messages.send(message, {
          idempotencyKey: sent.key,
          signal,
        });
        sent.answers.push({ id, conversation_id });
        return true;
      } catch (error) {
        if (!(error instanceof ConnectionError || error instanceof UnavailableError)) return false;
      }
    }
    return false;
  };
}
