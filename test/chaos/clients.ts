import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Sent } from './checker/evidence.ts';
import type { Sender } from './sender.ts';

export interface ClientOptions {
  send: Sender;
  /** The maximum number of concurrent requests. */
  limit: number;
  /** The maximum pause before the next message of a conversation, in milliseconds. */
  pauseMs: number;
  /** The share of messages that clients send again after the acknowledgement, from 0 to 1. */
  repeated: number;
  random: () => number;
  signal: AbortSignal;
  onAcknowledged: () => void;
  /** Called after the last message of a conversation was acknowledged. */
  onConversationSent?: (messages: Sent[]) => Promise<void>;
}

/** Sends all conversations concurrently. Within a conversation, each message waits for the acknowledgement of the previous one. */
export async function sendAll(conversations: Sent[][], options: ClientOptions): Promise<void> {
  const { send, limit, pauseMs, repeated, random, signal, onAcknowledged, onConversationSent } = options;
  const limited = pLimit(limit);
  await Promise.all(
    conversations.map(async (messages) => {
      for (const [n, message] of messages.entries()) {
        const previous = messages[n - 1];
        await sleep(random() * pauseMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted || !(await limited(() => send(message, previous)))) return;
        if (random() < repeated) await limited(() => send(message, previous));
        onAcknowledged();
      }
      await onConversationSent?.(messages);
    }),
  );
}
