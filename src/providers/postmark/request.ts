import { headersOf } from '../email/headers.ts';
import { type NamedAddress, named } from '../email/mime.ts';
import { type Email, recipientsOf } from '../email/recipients.ts';
import type { OutgoingFile } from '../outgoing.ts';

/** The key of the echo in the metadata, which webhooks and the search have. */
export const ECHO = 'echo';

/**
 * The body of `POST /email`.
 * Source: https://postmarkapp.com/developer/api/email-api#send-a-single-email
 *
 * @param echo is returned in every webhook.
 */
export function toRequest(message: Email, { echo, stream }: { echo: string; stream: string }): object {
  const { from, reply_to, subject, files, email } = message;
  const { to, cc, bcc } = recipientsOf(message);
  const list = (addresses: readonly string[]) =>
    addresses.map((each) => mailboxOf(named(message, each))).join(', ');
  return {
    From: list([from]),
    ...(to.length > 0 && { To: list(to) }),
    ...(cc.length > 0 && { Cc: list(cc) }),
    ...(bcc.length > 0 && { Bcc: list(bcc) }),
    ...(reply_to !== null && { ReplyTo: list([reply_to]) }),
    Subject: subject ?? '',
    ...(email.text !== null || email.html === null ? { TextBody: email.text || ' ' } : {}),
    ...(email.html !== null && { HtmlBody: email.html }),
    // Without `X-PM-KeepID`, Postmark replaces the Message-ID.
    Headers: [...headersOf(email), ['X-PM-KeepID', 'true'] as const].map(([Name, Value]) => ({
      Name,
      Value,
    })),
    ...(files.length > 0 && { Attachments: files.map(toAttachment) }),
    Metadata: { [ECHO]: echo },
    MessageStream: stream,
  };
}

/** An address with its name as a quoted text (RFC 5322, section 3.2.4). */
function mailboxOf({ name, address }: NamedAddress): string {
  return name === '' ? address : `"${name.replaceAll(/[\\"]/g, '\\$&')}" <${address}>`;
}

function toAttachment({ name, contentType, contentId, content }: OutgoingFile): object {
  return {
    Name: name ?? 'attachment',
    Content: (content as Buffer).toString('base64'),
    ContentType: contentType ?? 'application/octet-stream',
    ...(contentId !== null && { ContentID: `cid:${contentId}` }),
  };
}
