import type { ReceivedAddress, ReceivedFile, ReceivedMail } from './mail.ts';

/** The body of a request to send an email by the standard API. */
export interface StandardEmail {
  from: string;
  to: string | string[];
  cc?: string[];
  bcc?: string[];
  reply_to?: string;
  subject?: string;
  body: string;
  body_type: 'text' | 'html';
  text?: string;
  headers?: Record<string, string>;
  names?: Record<string, string>;
  message_id: string;
  in_reply_to?: string;
  references?: string[];
  attachments: string[];
  files?: { url: string; filename?: string; content_type: string; size: number; content_id?: string }[];
}

/** An email as a provider with the standard API received it, with the files behind its URLs. */
export async function receivedByStandard(request: StandardEmail): Promise<ReceivedMail> {
  const { from, to, cc = [], reply_to, subject = '', body, body_type, names = {}, files = [] } = request;
  const named = (address: string): ReceivedAddress => ({ name: names[address] ?? '', address });
  const headers = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...{ from: [named(from)], to: [to].flat().map(named), cc: cc.map(named) },
    ...{ replyTo: reply_to === undefined ? [] : [named(reply_to)], subject, messageId: request.message_id },
    ...{ inReplyTo: request.in_reply_to ?? null, references: request.references ?? [] },
    text: (body_type === 'text' ? body : request.text) ?? null,
    html: body_type === 'html' ? body : null,
    files: await Promise.all(files.map(toFile)),
    headers: Object.fromEntries(headers),
  };
}

async function toFile(file: NonNullable<StandardEmail['files']>[number]): Promise<ReceivedFile> {
  const { url, filename: name = null, content_type: contentType, content_id: contentId = null } = file;
  const response = await fetch(url);
  return {
    ...{ name, contentType, contentId, content: Buffer.from(await response.arrayBuffer()) },
    disposition: contentId === null ? 'attachment' : 'inline',
  };
}
