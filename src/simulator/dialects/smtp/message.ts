import { randomUUID } from 'node:crypto';
import { replyError } from './faults.ts';

/** The Message-ID of a message, without angle brackets; a random text if it has none. */
export function messageIdIn(content: Buffer): string {
  const headers = content.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  return /^message-id:\s*<([^<>\s]+)>/im.exec(headers)?.[1] ?? randomUUID();
}

/**
 * The refusal of a recipient: `reject@…` always, and `greylist@…` the first time.
 *
 * @param greylisted the addresses that were refused before.
 */
export function refusalOf(address: string, greylisted: Set<string>): Error | null {
  if (address.startsWith('reject@')) return replyError('550 5.1.1 The mailbox does not exist');
  if (!address.startsWith('greylist@') || greylisted.has(address)) return null;
  greylisted.add(address);
  return replyError('450 4.2.0 Greylisted, try again later');
}
