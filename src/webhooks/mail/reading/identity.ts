import { createHash } from 'node:crypto';
import type { ParsedMail } from '../../../mail/parsed-mail.ts';
import { truncate } from '../../../messaging/text.ts';

/** The max length of a provider's id of a message. */
const MAX_ID = 255;

/**
 * The id by which the copies of an email are recognised: its Message-ID, which is not unique, and a hash of its content. Headers
 * that servers add on the way are no part of the content, so that the copies for several mailboxes have one id. An email with
 * neither a Message-ID nor a date can be the same as another one by chance, so that all its bytes count.
 *
 * @param raw the email as it arrived; null if the provider does not report it.
 */
export function identityOf(mail: ParsedMail, raw: Buffer | null): string {
  const { from, to, cc, subject, date, text, html, messageId, files } = mail;
  const hash = createHash('sha256').update(JSON.stringify([from, to, cc, subject, date, text, html]));
  for (const { name, contentType, contentId, content } of files)
    hash.update(JSON.stringify([name, contentType, contentId, content.length])).update(content);
  if (messageId === null && date === null && raw) hash.update(raw);
  const digest = hash.digest('base64url');
  return `${truncate(messageId ?? 'none', MAX_ID - digest.length - 1)}:${digest}`;
}
