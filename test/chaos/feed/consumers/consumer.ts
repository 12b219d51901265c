import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumed, ReceivedEvent } from '../../checker/feed/evidence.ts';
import { apiKey } from '../../service.ts';

export interface Consumer extends Consumed {
  /** The position up to which the consumer has all events. */
  position(): number;
  stop(): Promise<void>;
}

export interface ConsumerOptions {
  /** The URLs of the API processes, which the consumer uses in turns. */
  urls: string[];
  signal: AbortSignal;
}

export const AUTHORIZED = { authorization: `Bearer ${apiKey}` };
const PAUSE_MS = 100;

/** Calls `read` until the signal is aborted, after an error with the next URL. */
export async function readInTurns(
  { urls, signal }: ConsumerOptions,
  read: (url: string) => Promise<void>,
  onInterrupted: () => void,
): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    await read(urls[n % urls.length] as string).catch(() => signal.aborted || onInterrupted());
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The record of an event, as JSON, that the transport has delivered at a position. */
export function received(event: unknown, position: number): ReceivedEvent {
  const { id, type, data } = event as { id: number; type: string; data: { id?: number; status?: string } };
  return { id, type, subject: data.id ?? null, status: data.status ?? null, position };
}
