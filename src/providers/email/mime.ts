import { hash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import { toStorable } from '../http/failure.ts';
import type { Outgoing, OutgoingEmail, OutgoingFile } from '../outgoing.ts';
import type { FailedOutcome } from '../provider.ts';

type Email = Outgoing & { email: OutgoingEmail };

/** An address with its display name, as nodemailer and JSON APIs have it. */
export interface NamedAddress {
  name: string;
  address: string;
}

/** The address with the display name that this message gives it; an empty name if there is none. */
export function named({ email }: Email, address: string): NamedAddress {
  return { name: email.names[address] ?? '', address };
}

/**
 * An email as the MIME message that goes over the wire, with CRLF line ends. The headers never name recipients of blind copies. The
 * same message has the same bytes in every attempt.
 */
export async function composeMime(message: Email): Promise<Buffer> {
  const { from, to, cc, reply_to, subject, timestamp, files, email } = message;
  const composer = new MailComposer({
    from: named(message, from),
    to: to.map((address) => named(message, address)),
    cc: (cc ?? []).map((address) => named(message, address)),
    ...(reply_to !== null && { replyTo: named(message, reply_to) }),
    subject: subject ?? '',
    date: timestamp,
    messageId: `<${email.messageId}>`,
    ...(email.inReplyTo !== null && { inReplyTo: `<${email.inReplyTo}>` }),
    ...(email.references.length > 0 && { references: email.references.map((id) => `<${id}>`) }),
    headers: { ...email.headers },
    ...(email.text !== null && { text: email.text }),
    ...(email.html !== null && { html: email.html }),
    attachments: files.map(attachmentOf),
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: '\r\n',
    // Not predictable for the authors of the parts, because the Message-ID is not.
    ...{ baseBoundary: hash('sha256', email.messageId).slice(0, 32), boundaryPrefix: '--_part' },
  } as ConstructorParameters<typeof MailComposer>[0]);
  return composer.compile().build();
}

/** Outcome without a call: the MIME message could not be composed. */
export function notComposed(error: unknown): FailedOutcome {
  const detail = toStorable(error instanceof Error ? error.message : String(error));
  return {
    ...{ outcome: 'rejected', httpStatus: null, class: 'content_rejected', code: 'not_composed' },
    detail,
  };
}

function attachmentOf({ name, contentType, contentId, content }: OutgoingFile) {
  return {
    filename: name ?? false,
    content: content as Buffer,
    contentType: typeOf(contentType),
    // Base64 keeps every byte.
    contentTransferEncoding: 'base64' as const,
    ...(contentId === null
      ? { contentDisposition: 'attachment' as const }
      : { cid: contentId, contentDisposition: 'inline' as const }),
  } as const;
}

const UNKNOWN_TYPE = 'application/octet-stream';
/** Types whose content cannot be base64 (RFC 2046, section 5.2.1 and RFC 2045, section 6.4). */
const COMPOSITE_TYPE = /^(?:message|multipart)\//;

/** A file whose bytes could not be kept under its type has no type. */
function typeOf(contentType: string | null): string {
  return contentType === null || COMPOSITE_TYPE.test(contentType) ? UNKNOWN_TYPE : contentType;
}
