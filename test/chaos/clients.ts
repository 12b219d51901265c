import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Sent } from './checker/evidence.ts';
import type { Sender } from './sender.ts';

export interface ClientOptions {
  send: Sender;
  /** Messages under way at once. */
  limit: number;
  /** The longest pause before the next message of a conversation, in milliseconds. */
  pauseMs: number;
  /** The part of messages that are sent once more after they were acknowledged. */
  repeated: number;
  random: () => number;
  signal: AbortSignal;
  onAcknowledged: () => void;
}

/** Sends all conversations side by side; within one, a message goes when the one before it was acknowledged. */
export async function sendAll(conversations: Sent[][], options: ClientOptions): Promise<void> {
  const { send, limit, pauseMs, repeated, random, signal, onAcknowledged } = options;
  const inTurn = pLimit(limit);
  await Promise.all(
    conversations.map(async (messages) => {
      for (const message of messages) {
        await sleep(random() * pauseMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted || !(await inTurn(() => send(message)))) return;
        if (random() < repeated) await inTurn(() => send(message));
        onAcknowledged();
      }
    }),
  );
}
