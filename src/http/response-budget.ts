import type { Response } from 'express';
import { UnavailableError } from '../errors.ts';
import type { Reserve } from '../openapi/types.ts';

/** Content that responses may hold at once. In memory it takes about five times as much. */
const MAX_BYTES = 32 * 1_048_576;
/** How long a response waits for its content. */
const PATIENCE_MS = 10_000;
/** A client that reads nothing of a large response for so long is disconnected. */
const STALLED_MS = 30_000;

interface Waiting {
  bytes: number;
  start: () => void;
}

/**
 * Bounds the content of large responses in memory, from when it is read until the client has it. Responses wait in the
 * order in which they ask; one that exceeds the bound by itself goes alone. They are read and written one by one, so
 * that small responses are served in between.
 */
export class ResponseBudget {
  #held = 0;
  /** The response whose content is being read. */
  #reading: Response | null = null;
  #waiting: Waiting[] = [];

  /** What the handler of a request is given to reserve bytes for this response. */
  reserveFor(response: Response): Reserve {
    return async (bytes) => {
      await this.#take(bytes, response);
      if (response.closed) return this.#give(response, bytes);
      response.once('close', () => this.#give(response, bytes));
      response.setTimeout(STALLED_MS, () => response.destroy());
    };
  }

  /** The content of this response is read and written, as far as it goes without waiting for the client. */
  written(response: Response): void {
    if (this.#reading !== response) return;
    this.#reading = null;
    setImmediate(() => this.#startNext());
  }

  #take(bytes: number, response: Response): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (settle: () => void) => {
        clearTimeout(timer);
        response.off('close', abandon);
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        settle();
        this.#startNext();
      };
      const abandon = () => leave(() => reject(overloaded()));
      const timer = setTimeout(abandon, PATIENCE_MS);
      const waiting: Waiting = {
        bytes,
        start: () =>
          leave(() => {
            this.#held += bytes;
            this.#reading = response;
            resolve();
          }),
      };
      response.once('close', abandon);
      this.#waiting.push(waiting);
      this.#startNext();
    });
  }

  #give(response: Response, bytes: number): void {
    this.#held -= bytes;
    this.written(response);
    this.#startNext();
  }

  #startNext(): void {
    const [next] = this.#waiting;
    if (next && !this.#reading && (this.#held === 0 || this.#held + next.bytes <= MAX_BYTES)) next.start();
  }
}

function overloaded(): UnavailableError {
  return new UnavailableError('Too many large responses at once.');
}
