import { randomUUID } from 'node:crypto';
import { addressIn } from '../../email/inbound.ts';

/** The body of a request to send. */
export interface SendRequest {
  From: string;
  To?: string;
  Cc?: string;
  Bcc?: string;
  Subject?: string;
  Tag?: string;
  Metadata?: Record<string, string>;
  MessageStream?: string;
}

/** An email that Postmark accepted. */
export interface Email {
  id: string;
  from: string;
  to: string;
  subject: string;
  recipients: string[];
  metadata: Record<string, string>;
  stream: string;
  acceptedAt: Date;
}

/** The emails of the server, in the order of acceptance. */
export type Emails = Email[];

export function emailOf(request: SendRequest, recipients: string[]): Email {
  const { From: from, To: to = '', Subject: subject = '', Metadata: metadata = {} } = request;
  const stream = request.MessageStream ?? 'outbound';
  return { id: randomUUID(), from, to, subject, recipients, metadata, stream, acceptedAt: new Date() };
}

/** The addresses in the fields `To`, `Cc` and `Bcc`. */
export function recipientsOf({ To = '', Cc = '', Bcc = '' }: SendRequest): string[] {
  return [To, Cc, Bcc].flatMap(mailboxesIn);
}

/** A comma in a quoted name separates nothing. */
function mailboxesIn(list: string): string[] {
  const mailboxes = list.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
  return mailboxes.filter((mailbox) => mailbox.trim() !== '').map(addressIn);
}
