import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { UnreadableMailError } from '../../../mail/read-mail.ts';
import type { InboundMail } from '../../../providers/webhook.ts';
import { withBuffers } from './buffers.ts';
import type { ReadEmail } from './read-email.ts';

/** Many times as long as the largest email takes, also on a busy machine. */
const MAX_MS = 60_000;
const ENTRY = new URL('./reader-thread.ts', import.meta.url);

export type Answer = { email: ReadEmail } | { unreadable: string } | { failure: string };

/**
 * Reads emails in a thread, one at a time, so that an email that is large or hostile does not delay messages. The thread is started
 * for the first email, and replaced if an email takes too much time. It has no heap limit of its own: V8 ends the whole process at
 * some of them.
 */
export class MailReader {
  #thread: Worker | undefined;
  readonly #oneAtOnce = pLimit(1);
  readonly #maxMs: number;

  constructor(maxMs = MAX_MS) {
    this.#maxMs = maxMs;
  }

  /** @throws {UnreadableMailError} if the email cannot be read, or takes too much time. */
  read({ content, strippedText = null }: Pick<InboundMail, 'content' | 'strippedText'>): Promise<ReadEmail> {
    return this.#oneAtOnce(async () => {
      const answer = await this.#ask({ content, strippedText });
      if ('email' in answer) return withBuffers(answer.email);
      if ('unreadable' in answer) throw new UnreadableMailError(answer.unreadable);
      throw new Error(answer.failure);
    });
  }

  async #ask(email: object): Promise<Answer> {
    this.#thread ??= this.#start();
    const thread = this.#thread;
    try {
      const answered = once(thread, 'message', { signal: AbortSignal.timeout(this.#maxMs) });
      thread.postMessage(email);
      return (await answered)[0];
    } catch (error) {
      this.#thread = undefined;
      await thread.terminate();
      if ((error as Error).name !== 'AbortError') throw error;
      throw new UnreadableMailError(`Reading the email takes more than ${this.#maxMs} ms.`);
    }
  }

  #start(): Worker {
    const thread = new Worker(ENTRY);
    // An idle thread does not keep the process running. An error during an email ends `once`.
    thread.unref();
    return thread.on('error', () => undefined);
  }
}

/** The reader of this process. */
export const mailReader = new MailReader();
