import { isUtf8 } from 'node:buffer';

const LINE_FEED = 10;

export interface Lines extends AsyncIterable<Buffer> {
  /** Whether the line after the last one is not UTF-8. */
  invalidUtf8(): boolean;
}

/**
 * The bytes of a file in parts of whole lines, until a line is not UTF-8.
 *
 * @param maxBytes a longer line may be divided, and is not checked.
 * @param isDone whether to stop.
 */
export function readLines(file: AsyncIterable<Buffer>, maxBytes: number, isDone: () => boolean): Lines {
  let invalid = false;
  async function* read(): AsyncGenerator<Buffer> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const bytes of file) {
      const data = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const isLong = data.length - (data.lastIndexOf(LINE_FEED) + 1) > maxBytes;
      const end = isLong ? data.length : data.lastIndexOf(LINE_FEED) + 1;
      const lines = data.subarray(0, end);
      invalid = !isLong && !isUtf8(lines);
      if (end > 0) yield invalid ? validLines(lines) : lines;
      if (invalid || isDone()) return;
      rest = data.subarray(end);
    }
    invalid = !isUtf8(rest);
    if (!invalid && rest.length > 0) yield rest;
  }
  return { [Symbol.asyncIterator]: read, invalidUtf8: () => invalid };
}

/** The lines before the first line that is not UTF-8. */
function validLines(lines: Buffer): Buffer {
  let end = 0;
  for (;;) {
    const next = lines.indexOf(LINE_FEED, end) + 1;
    if (next === 0 || !isUtf8(lines.subarray(end, next))) return lines.subarray(0, end);
    end = next;
  }
}
