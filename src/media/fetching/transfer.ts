import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FetchFailure, ofError, tooLarge } from './failure.ts';

/** The limits of one transfer. */
export interface TransferLimits {
  /** Max bytes of the file. */
  maxBytes: number;
  /** Each further part of this number of bytes must arrive within `partMs` milliseconds. */
  partBytes: number;
  partMs: number;
}

/** Requests ask for no compression; these decoders are for servers that compress anyway. */
const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/** The bytes of a file without its content encoding. An error of `body` is an error of the result. */
export function decoded(body: Readable, contentEncoding = 'identity'): Readable {
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return body;
  const createDecoder = DECODERS.get(encoding);
  if (!createDecoder) throw new FetchFailure('unreachable', 'The encoding of the response is not known.');
  // The error is read from the decoder. The error can be before the first read, and ends the process without a listener.
  const decoder = createDecoder().on('error', () => undefined);
  return pipeline(body, decoder, () => undefined);
}

/**
 * The parts of a file while it arrives. Ends the transfer of a file that is too large, and of a file that arrives too slowly. The
 * time for which the reader processes a part does not count.
 *
 * @throws {FetchFailure}
 */
export async function* transfer(
  file: Readable,
  { maxBytes, partBytes, partMs }: TransferLimits,
): AsyncGenerator<Buffer> {
  const parts: AsyncIterator<Buffer> = file[Symbol.asyncIterator]();
  let [total, sinceStart, waitedMs] = [0, 0, 0];
  const endSlow = () => file.destroy(new FetchFailure('unreachable', 'The file arrives too slowly.'));
  try {
    for (;;) {
      const timer = setTimeout(endSlow, partMs - waitedMs);
      const startedAt = performance.now();
      const next = await parts.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      total += next.value.length;
      if (total > maxBytes) throw tooLarge(maxBytes);
      sinceStart += next.value.length;
      waitedMs += performance.now() - startedAt;
      if (sinceStart >= partBytes) [sinceStart, waitedMs] = [0, 0];
      yield next.value;
    }
  } catch (error) {
    throw ofError(error);
  } finally {
    file.destroy();
  }
}
