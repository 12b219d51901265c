import { setTimeout as sleep } from 'node:timers/promises';
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
  const inTurn = limiter(limit);
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

/** Runs at most `limit` tasks at a time, in the order in which they come. */
function limiter(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < limit) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
