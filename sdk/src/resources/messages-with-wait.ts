import type { Api } from '../api.ts';
import { type WaitOptions, wait } from '../events/wait.ts';
import type { Message } from '../types.ts';
import { type Messages, messages } from './messages.ts';

export interface MessagesWithWait extends Messages {
  /**
   * Resolves with the message as soon as it is delivered, or `until` another status. The API key needs the scope `read`.
   *
   * @throws {DeliveryError} if the message ends with another status.
   * @throws {TimeoutError} after `timeoutMs`.
   */
  wait(id: number, options?: WaitOptions): Promise<Message>;
}

/** `messages` with `wait`, in a resource of its own because `wait` needs the code of the stream. */
export const messagesWithWait = (api: Api): MessagesWithWait => ({
  ...messages(api),
  wait: (id, options) => wait(api, id, options),
});
