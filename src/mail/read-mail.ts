import { isUtf8 } from 'node:buffer';
import type { Attachment, Email } from 'postal-mime';
import { decodeText } from './charset.ts';
import { decodeHeader } from './encoded-words.ts';
import { MailParser } from './mail-parser.ts';
import { messageIdIn, messageIdsIn } from './message-ids.ts';
import type { MailFile, ParsedMail } from './parsed-mail.ts';

/** Max bytes of an email, with all its parts. */
export const MAX_MAIL_BYTES = 31_457_280;
const MAX_HEADER_BYTES = 524_288;
const MAX_DEPTH = 100;
const MAX_FILES = 1_000;
/** Max URLs of files in HTML that are read. */
const MAX_SHOWN = 10_000;
/** Max bytes of an email whose parts cannot be found. */
const MAX_UNSTRUCTURED = 1_048_576;
/** Where a header block ends, in the two forms of line ends. */
const HEADER_ENDS = ['\r\n\r\n', '\n\n'];

/** An email that is beyond the bounds of the reader, or that its parser cannot read. */
export class UnreadableMailError extends Error {}

/**
 * Reads an email. Text is decoded and clean: without NUL characters and halves of surrogate pairs. Broken MIME is read as far as
 * possible.
 *
 * @throws {UnreadableMailError} if the email is too large, or has too many headers, parts or levels.
 */
export async function readMail(raw: Buffer): Promise<ParsedMail> {
  if (raw.length > MAX_MAIL_BYTES)
    throw new UnreadableMailError(`The email has more than ${MAX_MAIL_BYTES} bytes.`);
  const email = await parse(withUtf8Headers(raw));
  const all = (name: string) =>
    email.headers.filter(({ key }) => key === name).map(({ value }) => clean(value));
  const first = (name: string) => all(name)[0] || null;
  const subject = first('subject');
  const html = email.html === undefined ? null : toLines(email.html);
  const shown = contentIdsIn(html);
  return {
    from: first('from'),
    to: all('to').filter(Boolean),
    cc: all('cc').filter(Boolean),
    replyTo: first('reply-to'),
    subject: subject === null ? null : clean(decodeHeader(subject)),
    date: first('date'),
    messageId: messageIdIn(first('message-id')),
    inReplyTo: messageIdsIn(first('in-reply-to')),
    references: messageIdsIn(all('references').join(' ')),
    headers: email.headers.map(({ key, value }) => ({ name: clean(key), value: clean(decodeHeader(value)) })),
    text: textIn(email, raw),
    html,
    files: email.attachments.map((attachment) => fileOf(attachment, shown)),
  };
}

/** @throws {UnreadableMailError} if the email has more files than are stored, which take a statement each. */
export function assertReadable({ files }: Pick<ParsedMail, 'files'>): void {
  if (files.length > MAX_FILES) throw new UnreadableMailError(`The email has more than ${MAX_FILES} files.`);
}

/** The text; of an email whose parts cannot be found, such as a multipart without its boundaries, the whole body. */
function textIn({ text, html, attachments }: Email, raw: Buffer): string | null {
  if (text !== undefined) return toLines(text);
  if (html !== undefined || attachments.length > 0) return null;
  const body = raw.subarray(headerEnd(raw), MAX_UNSTRUCTURED);
  return toLines(decodeText(body)).trim() || null;
}

async function parse(raw: Buffer): Promise<Email> {
  const parser = new MailParser({
    maxNestingDepth: MAX_DEPTH,
    maxHeadersSize: MAX_HEADER_BYTES,
    forceRfc822Attachments: true,
  });
  try {
    return await parser.parse(raw);
  } catch (error) {
    throw new UnreadableMailError((error as Error).message, { cause: error });
  }
}

/** Headers that are neither ASCII nor UTF-8 are read as Windows-1252, which old mailers send. */
function withUtf8Headers(raw: Buffer): Buffer {
  const end = headerEnd(raw);
  const headers = raw.subarray(0, end);
  if (isUtf8(headers)) return raw;
  return Buffer.concat([Buffer.from(new TextDecoder('windows-1252').decode(headers)), raw.subarray(end)]);
}

function headerEnd(raw: Buffer): number {
  const ends = HEADER_ENDS.map((end) => raw.indexOf(end)).filter((at) => at !== -1);
  return Math.min(raw.length, MAX_HEADER_BYTES, ...ends);
}

function fileOf(
  { filename, mimeType, contentId, content }: Attachment,
  shown: ReadonlySet<string>,
): MailFile {
  const id = clean(contentId ?? '').replace(/^[\s<]+|[\s>]+$/g, '') || null;
  return {
    name: filename === null ? null : clean(filename),
    contentType: mimeType || null,
    contentId: id,
    disposition: id !== null && shown.has(id) ? 'inline' : 'attachment',
    content: bufferOf(content as ArrayBuffer | Uint8Array),
  };
}

function bufferOf(content: ArrayBuffer | Uint8Array): Buffer {
  return content instanceof ArrayBuffer
    ? Buffer.from(content)
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/** The content ids that HTML refers to (RFC 2392). */
export function contentIdsIn(html: string | null): ReadonlySet<string> {
  const ids = new Set<string>();
  let count = 0;
  for (const [, id = ''] of html?.matchAll(/\bcid:([^\s"'<>()]+)/gi) ?? []) {
    if (++count > MAX_SHOWN) break;
    ids.add(id).add(decoded(id));
  }
  return ids;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A clean text with `\n` as its line breaks, and none at its end. */
function toLines(text: string): string {
  return clean(text).replaceAll('\r\n', '\n').trimEnd();
}

function clean(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
