import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';
import { PayloadTooLargeError, UnsupportedMediaTypeError } from '../../errors.ts';
import { mediaTypeOf } from '../../media/types.ts';
import type { OperationId, StreamedBody } from '../../openapi/types.ts';
import { operationOf } from '../contract/operation.ts';
import { stateOf } from '../request-state.ts';
import { partsOf } from './body-parts.ts';

interface Streamed {
  /** Max bytes of the body. */
  limit: number;
  /** Max time until the end of the body. */
  deadlineMs: number;
  /** Returns the type of the body. Throws an `UnsupportedMediaTypeError` if the operation does not accept it. */
  typeOf: (headers: IncomingMessage['headers']) => string;
}

const MIB = 1_048_576;
const MINUTE_MS = 60_000;
/** Operations whose handlers read the body while it arrives. A file may arrive at 29 KiB per second. */
const STREAMED = new Map<OperationId | undefined, Streamed>([
  ['importSuppressions', { limit: 256 * MIB, deadlineMs: 24 * 60 * MINUTE_MS, typeOf: csvType }],
  ['uploadMedia', { limit: 25 * MIB, deadlineMs: 15 * MINUTE_MS, typeOf: fileType }],
]);
/** Max time without a byte while the handler waits for the body. */
const PATIENCE_MS = 30_000;
const CSV_TYPE = /^text\/csv\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(?:;|$))/i;
/** The types of forms, which a client sends if it does not know how to send the content of a file. */
const FORM = /^multipart\/|^application\/x-www-form-urlencoded$/;

/** Whether a handler reads the body of this request while it arrives, in more time than other requests have. */
export function isStreamed(request: Request): boolean {
  return STREAMED.has(operationOf(request)?.operationId);
}

/**
 * The body for the handler. Only one part is in memory, however slowly the handler reads.
 *
 * @throws {UnsupportedMediaTypeError} if the operation does not accept the type, or the body is compressed.
 * @throws {PayloadTooLargeError} if the body is too large, also while it is read.
 */
export function streamBody(request: Request): StreamedBody {
  const { limit, deadlineMs, typeOf } = STREAMED.get(operationOf(request)?.operationId) as Streamed;
  const { 'content-encoding': encoding = 'identity' } = request.headers;
  const contentType = typeOf(request.headers);
  if (encoding.toLowerCase() !== 'identity')
    throw new UnsupportedMediaTypeError('The body must not be compressed.');
  const length = lengthOf(request.headers);
  if (length !== null && length > limit) throw new PayloadTooLargeError(limit);
  stateOf(request).isStreamed = true;
  return {
    contentType,
    length,
    parts: partsOf(request, { limit, deadlineMs, patienceMs: PATIENCE_MS }),
  };
}

/** A request without a length and without a transfer coding has no body (RFC 9112, section 6.3). */
function lengthOf(headers: IncomingMessage['headers']): number | null {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : null;
}

function csvType({ 'content-type': type = '' }: IncomingMessage['headers']): string {
  if (!CSV_TYPE.test(type)) throw new UnsupportedMediaTypeError('The body must be text/csv.');
  if (OTHER_CHARSET.test(type)) throw new UnsupportedMediaTypeError('The body must be in UTF-8.');
  return type;
}

function fileType({ 'content-type': header }: IncomingMessage['headers']): string {
  const type = mediaTypeOf(header);
  if (type === null)
    throw new UnsupportedMediaTypeError(
      'The header Content-Type must be the type of the file, such as image/png.',
    );
  if (FORM.test(type))
    throw new UnsupportedMediaTypeError(
      `The header Content-Type must be the type of the file, not ${type}; the body must be its content, not a form.`,
    );
  return type;
}
