import type { Request } from 'express';
import { PayloadTooLargeError, ProtocolError, UnsupportedMediaTypeError } from '../../errors.ts';
import type { OperationId } from '../../openapi/types.ts';
import { operationOf } from '../contract/operation.ts';
import { stateOf } from '../request-state.ts';

/** Operations whose handlers read the body while it arrives, with the max bytes of the body. */
const STREAMED = new Map<OperationId | undefined, number>([['importSuppressions', 256 * 1_048_576]]);
/** Max time without a byte while the handler waits for the body. */
const PATIENCE_MS = 30_000;
const CSV_TYPE = /^text\/csv\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(?:;|$))/i;

/** Whether a handler reads the body of this request while it arrives, in more time than other requests have. */
export function isStreamed(request: Request): boolean {
  return STREAMED.has(operationOf(request)?.operationId);
}

/**
 * The parts of a body for the handler. Only one part is in memory, however slowly the handler reads.
 *
 * @throws {UnsupportedMediaTypeError} if the body is not CSV in UTF-8, or compressed.
 * @throws {PayloadTooLargeError} if the body is too large, also while it is read.
 */
export function streamBody(request: Request): AsyncIterable<Buffer> {
  const limit = STREAMED.get(operationOf(request)?.operationId) ?? 0;
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  if (!CSV_TYPE.test(type)) throw new UnsupportedMediaTypeError('The body must be text/csv.');
  if (OTHER_CHARSET.test(type)) throw new UnsupportedMediaTypeError('The body must be in UTF-8.');
  if (encoding.toLowerCase() !== 'identity')
    throw new UnsupportedMediaTypeError('The body must not be compressed.');
  if (Number(request.headers['content-length']) > limit) throw new PayloadTooLargeError(limit);
  if (request.headers.expect !== undefined) {
    request.res?.writeContinue();
    delete request.headers.expect;
  }
  stateOf(request).isStreamed = true;
  return partsOf(request, limit, PATIENCE_MS);
}

/** @param patienceMs max time without a byte while the consumer waits. */
export async function* partsOf(request: Request, limit: number, patienceMs: number): AsyncGenerator<Buffer> {
  const parts: Buffer[] = [];
  let wake = () => {};
  let ended = request.readableEnded;
  let failure: Error | undefined = request.destroyed && !ended ? incomplete() : undefined;
  const onData = (part: Buffer) => {
    parts.push(part);
    request.pause();
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  const onClose = () => {
    if (!ended) failure = incomplete();
    wake();
  };
  const arrival = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        failure = new ProtocolError('request_timeout', 'The body stopped arriving.');
        resolve();
      }, patienceMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      request.resume();
    });
  let size = 0;
  request.on('data', onData).once('end', onEnd).once('close', onClose);
  try {
    for (;;) {
      if (parts.length === 0 && !ended && !failure) await arrival();
      const part = parts.shift();
      if (part) {
        size += part.length;
        if (size > limit) throw new PayloadTooLargeError(limit);
        yield part;
      } else if (failure) throw failure;
      else if (ended) return;
    }
  } finally {
    request.off('data', onData).off('end', onEnd).off('close', onClose);
  }
}

function incomplete(): ProtocolError {
  return new ProtocolError('bad_request', 'The body is incomplete.');
}
