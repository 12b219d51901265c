import type { Response } from 'express';
import { UnavailableError } from '../../errors.ts';
import type { Reserve } from '../../openapi/types.ts';

/** Maximum bytes of the content of all large responses together, which need about five times as much memory. */
const MAX_BYTES = 32 * 1_048_576;
/** Maximum time that a response waits for the budget. */
const PATIENCE_MS = 10_000;
/** Minimum rate at which a client must read a large response, after the first `FIRST_MS`. */
const SLOWEST_BYTES_PER_S = 256 * 1024;
const FIRST_MS = 10_000;

interface Waiting {
  bytes: number;
  start: () => void;
}

/**
 * Limits the content of large responses in memory, from the query until the client has received the response. Responses
 * wait in the order of their requests. A response over the limit waits until no other large response is in memory. Content
 * is read and written for one large response at a time, so that small responses are served in between.
 */
export class ResponseBudget {
  #deadlineMs: (bytes: number) => number;
  #held = 0;
  /** The response whose content is being read. */
  #reading: Response | null = null;
  #waiting: Waiting[] = [];

  /** @param deadlineMs returns the maximum time for a client to read a number of bytes. */
  constructor(deadlineMs = readDeadlineMs) {
    this.#deadlineMs = deadlineMs;
  }

  /** Returns the function that reserves bytes for this response. Each call replaces the reservation of the previous call. */
  reserveFor(response: Response): Reserve {
    const nothing = () => {};
    let release = nothing;
    return async (bytes) => {
      release();
      await this.#acquire(bytes, response);
      const deadline = setTimeout(() => response.destroy(), this.#deadlineMs(bytes));
      release = () => {
        clearTimeout(deadline);
        response.off('close', release);
        release = nothing;
        this.#release(response, bytes);
      };
      response.once('close', release);
      if (response.closed) release();
    };
  }

  /** Called when the content of this response was read and written to the connection, or when its handler has failed. */
  written(response: Response): void {
    if (this.#reading !== response) return;
    this.#reading = null;
    setImmediate(() => this.#startNext());
  }

  #acquire(bytes: number, response: Response): Promise<void> {
    return new Promise((resolve, reject) => {
      const dequeue = (settle: () => void) => {
        clearTimeout(timer);
        response.off('close', refuse);
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        settle();
        this.#startNext();
      };
      const refuse = () => dequeue(() => reject(overloaded()));
      const timer = setTimeout(refuse, PATIENCE_MS);
      const waiting: Waiting = {
        bytes,
        start: () =>
          dequeue(() => {
            this.#held += bytes;
            this.#reading = response;
            resolve();
          }),
      };
      response.once('close', refuse);
      this.#waiting.push(waiting);
      this.#startNext();
    });
  }

  #release(response: Response, bytes: number): void {
    this.#held -= bytes;
    this.written(response);
    this.#startNext();
  }

  #startNext(): void {
    const [next] = this.#waiting;
    if (next && !this.#reading && (this.#held === 0 || this.#held + next.bytes <= MAX_BYTES)) next.start();
  }
}

export function readDeadlineMs(bytes: number): number {
  return FIRST_MS + (1_000 * bytes) / SLOWEST_BYTES_PER_S;
}

function overloaded(): UnavailableError {
  return new UnavailableError('Too many large responses at once.');
}
