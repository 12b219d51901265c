import { echoOf } from '../echo.ts';
import { headersOf } from '../email/headers.ts';
import { named } from '../email/mime.ts';
import { type Email, recipientsOf } from '../email/recipients.ts';
import type { OutgoingFile } from '../outgoing.ts';
import { ECHO } from './events.ts';

/**
 * The body of `POST /emails`, which is the same in every attempt: Resend refuses another body with the same idempotency key. Null if
 * several blind copies are left and no other recipient: Resend requires a recipient in `to`, whom the others would see.
 * Source: https://resend.com/docs/api-reference/emails/send-email
 */
export function toRequest(message: Email): object | null {
  const { from, reply_to, subject, files, email } = message;
  const text = (address: string) => addressText(named(message, address));
  const { to, cc, bcc } = recipientsOf(message);
  const [main = [], ...copies] = [to, cc, bcc].filter((list) => list.length > 0);
  if (main === bcc && bcc.length > 1) return null;
  const hasCc = copies.includes(cc);
  // Resend gives the email a Message-ID of its own.
  const headers = [...headersOf(email)].filter(([name]) => name.toLowerCase() !== 'message-id');
  return {
    from: text(from),
    to: main.map(text),
    ...(hasCc && { cc: cc.map(text) }),
    ...(copies.includes(bcc) && { bcc: bcc.map(text) }),
    ...(reply_to !== null && { reply_to: [text(reply_to)] }),
    subject: subject ?? '',
    ...((email.text !== null || email.html === null) && { text: email.text ?? '' }),
    ...(email.html !== null && { html: email.html }),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
    ...(files.length > 0 && { attachments: files.map(toAttachment) }),
    tags: [{ name: ECHO, value: echoOf(message) }],
  };
}

/** `Name <address>`, with the name in quotes, so that it can have every character. */
function addressText({ name, address }: { name: string; address: string }): string {
  return name === '' ? address : `"${name.replaceAll(/["\\]/g, '\\$&')}" <${address}>`;
}

function toAttachment({ name, contentType, contentId, content }: OutgoingFile): object {
  return {
    filename: name ?? 'attachment',
    content: (content as Buffer).toString('base64'),
    ...(contentType !== null && { content_type: contentType }),
    ...(contentId !== null && { content_id: contentId }),
  };
}
