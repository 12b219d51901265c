import { setTimeout as sleep } from 'node:timers/promises';

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
