import { parentPort } from 'node:worker_threads';
import { UnreadableMailError } from '../../../mail/read-mail.ts';
import type { InboundMail } from '../../../providers/webhook.ts';
import { withBuffers } from './buffers.ts';
import { readEmail } from './read-email.ts';
import type { Answer } from './reader.ts';

/** The entry of the thread of `MailReader`, which reads one email after the other. */
async function answerTo(email: Pick<InboundMail, 'content' | 'strippedText'>): Promise<Answer> {
  try {
    return { email: await readEmail(withBuffers(email)) };
  } catch (error) {
    const { message, stack } = error as Error;
    return error instanceof UnreadableMailError ? { unreadable: message } : { failure: stack ?? message };
  }
}

parentPort?.on('message', async (email) => parentPort?.postMessage(await answerTo(email)));
