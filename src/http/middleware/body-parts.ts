import type { Request } from 'express';
import { PayloadTooLargeError, ProtocolError } from '../../errors.ts';
import { stateOf } from '../request-state.ts';

export interface BodyLimits {
  /** Max bytes of the body. */
  limit: number;
  /** Max time without a byte while the consumer waits. */
  patienceMs: number;
  /** Max time from the first wait to the end of the body. */
  deadlineMs: number;
}

/**
 * The parts of a body as they arrive; the connection is paused while the consumer is busy.
 *
 * @throws {PayloadTooLargeError} while the body arrives.
 * @throws {ProtocolError} if the client disconnects, stops sending, or sends for too long.
 */
export async function* partsOf(
  request: Request,
  { limit, patienceMs, deadlineMs }: BodyLimits,
): AsyncGenerator<Buffer> {
  const parts: Buffer[] = [];
  const deadline = performance.now() + deadlineMs;
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
  const fail = (error: Error) => {
    failure = error;
    wake();
  };
  const onClose = () => ended || fail(incomplete());
  const arrival = () =>
    new Promise<void>((resolve) => {
      const left = deadline - performance.now();
      const timer = setTimeout(
        () => fail(left < patienceMs ? tooSlow() : stalled()),
        Math.max(0, Math.min(patienceMs, left)),
      );
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      request.resume();
    });
  let size = 0;
  acceptBody(request);
  stateOf(request).failBody = fail;
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

/** Tells a client that waits for `100 Continue` to send its body. */
function acceptBody(request: Request): void {
  if (request.headers.expect === undefined) return;
  request.res?.writeContinue();
  delete request.headers.expect;
}

function incomplete(): ProtocolError {
  return new ProtocolError('bad_request', 'The body is incomplete.');
}

function stalled(): ProtocolError {
  return new ProtocolError('request_timeout', 'The body stopped arriving.');
}

function tooSlow(): ProtocolError {
  return new ProtocolError('request_timeout', 'The body arrived too slowly.');
}
