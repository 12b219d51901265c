import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Events } from '../observability/events.ts';

/** The channel of the notifications that messages are due. */
export const MESSAGES_DUE = 'messages_due';

/** Min time between two notifications: under load, one notification covers many messages. */
const NOTIFY_EVERY_MS = 20;

/** Notifies the other processes that messages are due. */
export function createNotifier(pool: pg.Pool, events: Events): () => void {
  const notify = () => pool.query(`notify ${MESSAGES_DUE}`).catch((error) => events.failed('notify', error));
  return combineCalls(notify, NOTIFY_EVERY_MS);
}

/**
 * Returns a function that calls `send` at once. Calls of the function while `send` runs, or within `everyMs` milliseconds
 * after it, are combined into one later call.
 *
 * @param send never rejects.
 */
export function combineCalls(send: () => Promise<unknown>, everyMs: number): () => void {
  let sending = false;
  let again = false;
  return function call(): void {
    again = sending;
    if (sending) return;
    sending = true;
    void send()
      .then(() => sleep(everyMs, undefined, { ref: false }))
      .then(() => {
        sending = false;
        if (again) call();
      });
  };
}
