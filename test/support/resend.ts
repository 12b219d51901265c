import type { ReceivedAddress, ReceivedFile, ReceivedMail } from './mail.ts';

/** The body of a request to Resend. */
export interface ResendRequest {
  from: string;
  to: string[];
  cc?: string[];
  bcc?: string[];
  reply_to?: string[];
  subject: string;
  text?: string;
  html?: string;
  headers?: Record<string, string>;
  attachments?: { filename: string; content: string; content_type: string; content_id?: string }[];
}

/** An email as Resend received it. Resend makes the Message-ID. */
export function receivedByResend(request: ResendRequest): ReceivedMail {
  const { 'In-Reply-To': inReplyTo, References: references, ...headers } = request.headers ?? {};
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...{ from: [addressOf(request.from)], to: request.to.map(addressOf) },
    ...{ cc: (request.cc ?? []).map(addressOf), replyTo: (request.reply_to ?? []).map(addressOf) },
    ...{ subject: request.subject, messageId: null, inReplyTo: inReplyTo ? bare(inReplyTo) : null },
    references: references === undefined ? [] : references.split(' ').map(bare),
    ...{ text: request.text ?? null, html: request.html ?? null },
    files: (request.attachments ?? []).map(toFile),
    headers: Object.fromEntries(lower),
  };
}

function addressOf(text: string): ReceivedAddress {
  const [, name = '', address = text] = /^"(.*)" <([^<>]+)>$/.exec(text) ?? [];
  return { name: name.replaceAll(/\\(.)/g, '$1'), address };
}

function bare(id: string): string {
  return id.replace(/^<|>$/g, '');
}

function toFile(file: NonNullable<ResendRequest['attachments']>[number]): ReceivedFile {
  const { filename: name, content_type: contentType, content_id: contentId = null } = file;
  return {
    ...{ name, contentType, contentId, content: Buffer.from(file.content, 'base64') },
    disposition: contentId === null ? 'attachment' : 'inline',
  };
}
