import { randomUUID } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import { contentOf, type ProviderFile } from '../media/files.ts';

/** An inbound email, as `/_control/inbound` describes it. */
export interface InboundEmail {
  from: string;
  to: string;
  cc: string[];
  subject: string;
  text: string;
  html: string | null;
  /** With angle brackets. */
  messageId: string;
  inReplyTo: string | null;
  references: string[];
  date: Date;
  files: readonly ProviderFile[];
}

/** The fields that are not given have defaults. */
export function inboundEmail(fields: Record<string, unknown>, files: readonly ProviderFile[]): InboundEmail {
  const text = (name: string, fallback: string) =>
    typeof fields[name] === 'string' ? fields[name] : fallback;
  const list = (name: string) => [fields[name] ?? []].flat().map(String);
  return {
    from: text('from', 'contact@gmail.com'),
    to: text('to', 'user@usehatchapp.com'),
    cc: list('cc'),
    subject: text('subject', 'Hello'),
    text: text('text', 'Hello'),
    html: typeof fields.html === 'string' ? fields.html : null,
    messageId: text('message_id', `<${randomUUID()}@gmail.com>`),
    inReplyTo: typeof fields.in_reply_to === 'string' ? fields.in_reply_to : null,
    references: list('references'),
    date: new Date(),
    files,
  };
}

/** The email as the mail server of the sender sends it. */
export function toMime(email: InboundEmail): Promise<Buffer> {
  const { from, to, cc, subject, text, html, messageId, inReplyTo, references, date, files } = email;
  const composer = new MailComposer({
    ...{ from, to, cc, subject, text, messageId, references, date, newline: '\r\n' },
    ...(html !== null && { html }),
    ...(inReplyTo !== null && { inReplyTo }),
    attachments: files.map((file) => ({
      filename: file.name ?? false,
      contentType: file.contentType,
      content: bytesOf(file),
    })),
  });
  return composer.compile().build();
}

export function bytesOf(file: ProviderFile): Buffer {
  return Buffer.concat([...contentOf(file)]);
}

/** The address in a text that may have a name. */
export function addressIn(text: string): string {
  return /<([^<>]+)>\s*$/.exec(text)?.[1] ?? text.trim();
}
