import { create as contentDisposition } from 'content-disposition';
import { RangeNotSatisfiableError } from '../errors.ts';
import { type ByteRange, parseRange } from './range.ts';

export interface SentFile {
  contentType: string;
  size: number;
  sha256: Buffer;
  name: string | null;
}

export interface FileRequest {
  range?: string | undefined;
  'if-range'?: string | undefined;
  'if-none-match'?: string | undefined;
}

/** Null for a client that has the file already. */
export type FileResponse =
  | { status: 200 | 206; headers: Record<string, string>; range: ByteRange }
  | { status: 304; headers: Record<string, string>; range: null };

/** Types that a browser shows without running anything in them. An SVG is a document with scripts. */
const SHOWN = /^(?:(?:image|audio|video)\/(?!.*\bxml$).*|text\/plain|application\/pdf)$/;
/** Nothing in a file may load or run; the page that a browser makes around a picture or a video may show it. */
const POLICY =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/** Chromium does not show a PDF in a sandbox. It shows a PDF in a process of its own, and never as a page. */
const PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const SANDBOX = `${POLICY}; sandbox`;

/**
 * The status, the headers and the bytes of the response to a request for a file, with the conditions of RFC 9110, section 13.
 *
 * @param access the headers that depend on the caller.
 * @throws {RangeNotSatisfiableError}
 */
export function respondWithFile(
  file: SentFile,
  request: FileRequest,
  access: Record<string, string>,
): FileResponse {
  const etag = `"${file.sha256.toString('base64url')}"`;
  const headers = { etag, ...access };
  if (isCurrent(request['if-none-match'], etag)) return { status: 304, headers, range: null };
  const ifRange = request['if-range'];
  const wanted = ifRange === undefined || ifRange === etag ? parseRange(request.range, file.size) : null;
  if (wanted === 'unsatisfiable') throw new RangeNotSatisfiableError(file.size);
  const range = wanted ?? { start: 0, end: file.size };
  const partial = { 'content-range': `bytes ${range.start}-${range.end - 1}/${file.size}` };
  return {
    status: wanted ? 206 : 200,
    headers: { ...headers, ...describe(file), ...lengthOf(range), ...(wanted && partial) },
    range,
  };
}

function lengthOf({ start, end }: ByteRange): Record<string, string> {
  return { 'content-length': `${end - start}`, 'accept-ranges': 'bytes' };
}

function describe({ contentType, name }: SentFile): Record<string, string> {
  const type = SHOWN.test(contentType) ? 'inline' : 'attachment';
  return {
    'content-type': contentType,
    'content-disposition': contentDisposition(name ?? undefined, { type }),
    'content-security-policy': contentType === 'application/pdf' ? PDF_POLICY : SANDBOX,
  };
}

/** Whether an `If-None-Match` names the file; the comparison is weak (RFC 9110, 13.1.2). */
function isCurrent(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
