import { headersOf } from '../email/headers.ts';
import { type NamedAddress, named } from '../email/mime.ts';
import { type Email, recipientsOf } from '../email/recipients.ts';
import type { OutgoingFile } from '../outgoing.ts';

/** SendGrid requires a subject and a content; a space is the shortest. */
const EMPTY = ' ';

interface Address {
  email: string;
  name?: string;
}

/**
 * The body of `POST /v3/mail/send`.
 * Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
 *
 * @param echo is returned in every event.
 */
export function toRequest(message: Email, echo: string): object {
  const { from, reply_to, subject, files, email } = message;
  const address = (each: string) => toAddress(named(message, each));
  return {
    personalizations: personalizationsOf(message, address).map((each) => ({
      ...each,
      custom_args: { echo },
    })),
    from: address(from),
    ...(reply_to !== null && { reply_to: address(reply_to) }),
    subject: subject || EMPTY,
    // The order of the types is fixed: text first.
    content: [
      ...(email.text !== null || email.html === null
        ? [{ type: 'text/plain', value: email.text || EMPTY }]
        : []),
      ...(email.html !== null ? [{ type: 'text/html', value: email.html || EMPTY }] : []),
    ],
    headers: Object.fromEntries(headersOf(email)),
    ...(files.length > 0 && { attachments: files.map(toAttachment) }),
  };
}

function toAddress({ name, address }: NamedAddress): Address {
  return { email: address, ...(name !== '' && { name }) };
}

/**
 * SendGrid makes the `To` and `Cc` of an email from its personalization, which must have a recipient in `to`. If only blind copies
 * are open, each of them is an email of its own, so that no recipient sees another.
 */
function personalizationsOf(message: Email, address: (each: string) => Address): object[] {
  const { to, cc, bcc } = recipientsOf(message);
  const main = to.length > 0 ? to : cc;
  if (main.length === 0) return bcc.map((each) => ({ to: [address(each)] }));
  const copies = to.length > 0 ? cc : [];
  return [
    {
      to: main.map(address),
      ...(copies.length > 0 && { cc: copies.map(address) }),
      ...(bcc.length > 0 && { bcc: bcc.map(address) }),
    },
  ];
}

function toAttachment({ name, contentType, contentId, content }: OutgoingFile): object {
  return {
    content: (content as Buffer).toString('base64'),
    filename: name ?? 'attachment',
    type: contentType ?? 'application/octet-stream',
    ...(contentId === null
      ? { disposition: 'attachment' }
      : { disposition: 'inline', content_id: contentId }),
  };
}
