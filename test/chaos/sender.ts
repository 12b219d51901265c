import { setTimeout as sleep } from 'node:timers/promises';
import type { Sent } from './checker/evidence.ts';

const ATTEMPT_TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Sends a message under its key until it is acknowledged, as a client should: again where no answer came or the
 * service is away. What it is told is noted in `sent`.
 *
 * @param signal ends the trying.
 */
export async function sendUntilAcknowledged(
  baseUrl: string,
  apiKey: string,
  sent: Sent,
  random: () => number,
  signal: AbortSignal,
): Promise<boolean> {
  for (let tries = 0; !signal.aborted; tries++) {
    const answer = await sendOnce(baseUrl, apiKey, sent, signal);
    if (answer?.status === 202) {
      sent.answers.push({ id: answer.body.id, conversation_id: answer.body.conversation_id });
      return true;
    }
    if (answer && answer.status !== 503) {
      sent.odd.push(`${answer.status} ${answer.body.code}`);
      if (answer.status < 500) return false;
    }
    await sleep(Math.min(LONGEST_PAUSE_MS, 50 * 2 ** tries) * (0.5 + random() / 2));
  }
  return false;
}

interface Answer {
  status: number;
  body: { id: number; conversation_id: number; code?: string };
}

/** Null where there was no answer, or only a part of one. */
async function sendOnce(
  baseUrl: string,
  apiKey: string,
  sent: Sent,
  signal: AbortSignal,
): Promise<Answer | null> {
  try {
    const response = await fetch(`${baseUrl}/api/messages/send`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${apiKey}`,
        'idempotency-key': sent.key,
      },
      body: JSON.stringify(sent.request),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  } catch {
    return null;
  }
}
