import type { Api, RequestOptions } from '../api.ts';
import { MessagingError, TimeoutError } from '../errors.ts';
import { messages } from '../resources/messages.ts';
import { after, onAbort, UNLIMITED } from '../retry.ts';
import type { Message, MessageStatus } from '../types.ts';
import { follow } from './stream.ts';

export interface WaitOptions {
  /** `sent`: the provider accepted the message. `delivered`: the provider reports that it arrived. Default: `delivered`. */
  until?: 'sent' | 'delivered' | undefined;
  /** Max milliseconds until the status. Default: 60,000. */
  timeoutMs?: number | undefined;
  /** Ends the wait. It then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A message ended without the status that `wait` was to wait for. */
export class DeliveryError extends MessagingError {
  override readonly name = 'DeliveryError';
  /** The status of the message. */
  declare readonly code: 'undelivered' | 'failed' | 'canceled' | 'unknown' | 'received';
  /** The message. Its `error` is the reason. */
  declare readonly result: Message;

  constructor(message: Message) {
    super(
      message.status,
      `Message ${message.id} is ${message.status}. ${message.error?.detail ?? ''}`.trim(),
    );
    this.result = message;
  }
}

/** The statuses on the way to `delivered`. A message that is `undelivered` was sent. */
const ORDER: MessageStatus[] = ['scheduled', 'queued', 'sending', 'sent', 'undelivered', 'delivered'];

/** Resolves with the message as soon as it has a status. */
export async function wait(api: Api, id: number, options: WaitOptions = {}): Promise<Message> {
  const { until = 'delivered', timeoutMs = 60_000, signal } = options;
  const ending = new AbortController();
  const release = onAbort(signal, () => ending.abort(signal?.reason));
  const timer = after(timeoutMs, () =>
    ending.abort(new TimeoutError(timeoutMs, `Message ${id} was not ${until}`)),
  );
  const call: RequestOptions = { signal: ending.signal, maxRetries: UNLIMITED };
  try {
    let message: Message = await messages(api).get(id, call);
    if (hasReached(message, until)) return message;
    for await (const event of follow(api, { conversation_id: message.conversation_id }, ending)) {
      if (event && !(event.type.startsWith('message.') && (event.data as Message).id === id)) continue;
      // The status may have changed before the start of the stream.
      message = event && !event.truncated ? (event.data as Message) : await messages(api).get(id, call);
      if (hasReached(message, until)) return message;
    }
    throw ending.signal.reason;
  } finally {
    clearTimeout(timer);
    release();
  }
}

/** @throws {DeliveryError} if the message ended with another status. */
function hasReached(message: Message, until: 'sent' | 'delivered'): boolean {
  const reached = ORDER.indexOf(message.status);
  if (reached >= ORDER.indexOf(until)) return true;
  if (reached < 0 || message.status === 'undelivered') throw new DeliveryError(message);
  return false;
}
