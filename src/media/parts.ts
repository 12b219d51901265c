/**
 * The same bytes in parts of `size` bytes; the last part may be shorter. All parts are in one buffer: a part is valid only until
 * the next part is requested.
 */
export async function* partsOfSize(parts: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const part of parts) {
    let used = 0;
    while (used < part.length) {
      const copied = part.copy(buffer, filled, used);
      used += copied;
      filled += copied;
      if (filled < size) continue;
      yield buffer;
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}
