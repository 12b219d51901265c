/** A range of bytes; `end` is after the last byte. */
export interface ByteRange {
  start: number;
  end: number;
}

/** One range (RFC 9110, section 14.1.2): `0-499`, `500-` or `-500`. */
const ONE_RANGE = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;

/**
 * The range in a `Range` header. The package `range-parser` refuses a suffix that is longer than the file, which is the whole
 * file in the standard.
 *
 * @returns null for the whole file: the header is not valid, or has several ranges, which a server may ignore.
 *   'unsatisfiable' if the file has no byte of the range.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const [, first, last, suffix] = ONE_RANGE.exec(header ?? '') ?? [];
  if (suffix !== undefined) {
    const start = Math.max(0, size - Number(suffix));
    return start < size ? { start, end: size } : 'unsatisfiable';
  }
  if (first === undefined) return null;
  const start = Number(first);
  const end = last ? Number(last) + 1 : size;
  if (last && end <= start) return null;
  return start < size ? { start, end: Math.min(end, size) } : 'unsatisfiable';
}
