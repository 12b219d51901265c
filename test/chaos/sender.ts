import { ConnectionError, createClient, type SendMessage, UnavailableError } from '../../sdk/src/index.ts';
import type { Sent } from './checker/evidence.ts';

/** Few retries, so that clients continue soon after a restart of the service. */
const LIMITS = { timeout: 10_000, maxRetries: 4, retryDelay: 100 };
const EXPECTED = [202, 503];

/**
 * Repeats a message until it is acknowledged and adds the responses to `sent`. Returns false if it was not acknowledged.
 *
 * @param previous the acknowledged message before it in the conversation.
 */
export type Sender = (sent: Sent, previous: Sent | undefined) => Promise<boolean>;

/**
 * Creates a client that uses the SDK with an idempotency key for each message, and repeats a request after the retries of
 * the SDK while the service is unavailable.
 *
 * @param signal stops the repeats.
 */
export function createSender(baseUrl: string, apiKey: string, signal: AbortSignal): Sender {
  return async (sent, previous) => {
    const recordingFetch = async (request: Request) => {
      const response = await fetch(request);
      if (!EXPECTED.includes(response.status)) sent.unexpected.push(String(response.status));
      return response;
    };
    const { messages } = createClient({ baseUrl, apiKey, fetch: recordingFetch, ...LIMITS });
    const answered = sent.answersPrevious ? previous?.acknowledgements[0]?.id : undefined;
    const thread = answered === undefined ? {} : { reply_to_message_id: answered };
    // The workload creates only valid combinations of fields.
    const message = { ...sent.request, ...thread } as SendMessage;
    while (!signal.aborted) {
      try {
        const { id, conversation_id } = await messages.send(message, {
          idempotencyKey: sent.key,
          signal,
        });
        sent.acknowledgements.push({ id, conversation_id });
        return true;
      } catch (error) {
        if (!(error instanceof ConnectionError || error instanceof UnavailableError)) return false;
      }
    }
    return false;
  };
}
