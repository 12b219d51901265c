import type { ApiPromise } from './api-promise.ts';
import { ConnectionError } from './errors.ts';
import type { ExportLine } from './types.ts';

/**
 * The lines of an export. Reads only when the consumer asks for the next line, so that memory is bounded. `break` ends the request.
 *
 * @throws {ConnectionError} if the connection is lost before the last line.
 */
export async function* exportLines(
  start: () => ApiPromise<ReadableStream<Uint8Array>>,
  signal?: AbortSignal,
): AsyncGenerator<ExportLine, void> {
  const reader = (await start()).getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let line: ExportLine | undefined;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() as string;
      for (const text of lines) {
        line = JSON.parse(text) as ExportLine;
        yield line;
      }
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ConnectionError('The export is incomplete.', cause);
  } finally {
    // Not awaited: a lost connection rejects.
    reader.cancel().catch(() => {});
  }
  if (line?.type !== 'end') throw new ConnectionError('The export is incomplete.');
}
