import type { ParsedMail } from '../../../mail/parsed-mail.ts';
import { assertReadable, readMail } from '../../../mail/read-mail.ts';
import { strippedTextOf } from '../../../mail/reply/stripped-text.ts';
import { textOfHtml } from '../../../mail/text-of-html.ts';
import { toStorable } from '../../../messaging/storable.ts';
import { truncate } from '../../../messaging/text.ts';
import type { InboundMail } from '../../../providers/webhook.ts';
import { identityOf } from './identity.ts';

/** Max characters of a text, as of an outbound email. The email as it arrived has the whole. */
const MAX_TEXT = 10_485_760;

/** An email with everything that takes time to compute, without the characters that PostgreSQL cannot store. */
export interface ReadEmail {
  mail: ParsedMail;
  /** The id by which its copies are recognised. */
  identity: string;
  html: string | null;
  /** The text, or the text of the HTML. */
  text: string | null;
  /** The reply without the quoted email. */
  strippedText: string | null;
}

/**
 * Reads an email. It can take more than a second, so that `MailReader` calls it in a thread.
 *
 * @throws {UnreadableMailError} if the email cannot be read.
 */
export async function readEmail({
  content,
  strippedText,
}: Pick<InboundMail, 'content' | 'strippedText'>): Promise<ReadEmail> {
  const raw = 'raw' in content ? content.raw : null;
  const parsed = 'parsed' in content ? content.parsed : await readMail(content.raw);
  assertReadable(parsed);
  const mail = storableMail(parsed);
  const html = cut(mail.html || null);
  const text = cut(mail.text ?? (html && textOfHtml(html)));
  const reported = toStorable(strippedText || null);
  return {
    ...{ mail, identity: identityOf(mail, raw), html, text },
    strippedText: reported ?? (text && strippedTextOf(text)),
  };
}

function storableMail({ files, ...parts }: ParsedMail): ParsedMail {
  return {
    ...toStorable(parts),
    files: files.map(({ content, ...described }) => ({ ...toStorable(described), content })),
  };
}

function cut(text: string | null): string | null {
  return text && truncate(text, MAX_TEXT);
}
