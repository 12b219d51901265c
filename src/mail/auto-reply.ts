import type { ParsedMail } from './parsed-mail.ts';
import { readReturnPath } from './return-path.ts';

const AUTOMATIC_PRECEDENCE = /^\s*(?:bulk|junk|auto_reply)\b/i;
const MANUAL = /^\s*no\b/i;

/**
 * Whether an email was sent by a program, so that replying to it automatically could start a loop: by `Auto-Submitted` (RFC 3834), by
 * `Precedence`, or by its null return path. `X-Auto-Response-Suppress` asks others not to reply automatically; people's clients
 * send it too.
 *
 * @param envelopeFrom the return path; null for a null return path, undefined if it is not known.
 */
export function isAutoReply(
  headers: ParsedMail['headers'],
  envelopeFrom: string | null | undefined,
): boolean {
  const values = (name: string) => headers.filter((header) => header.name === name).map(({ value }) => value);
  return (
    values('auto-submitted').some((value) => value.trim() !== '' && !MANUAL.test(value)) ||
    values('precedence').some((value) => AUTOMATIC_PRECEDENCE.test(value)) ||
    envelopeFrom === null ||
    (envelopeFrom === undefined && values('return-path').some((value) => readReturnPath(value) === null))
  );
}
