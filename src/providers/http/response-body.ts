import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib';

/** The largest response body that is read, before and after decompression: 64 KiB. */
export const MAX_BODY_BYTES = 64 * 1_024;

type Decoder = (body: Uint8Array, options: ZlibOptions) => Uint8Array;

/** Requests ask for no compression; these decoders are for gateways that compress anyway. */
const DECODERS = new Map(
  Object.entries<Decoder>({
    identity: (body) => body,
    gzip: gunzipSync,
    'x-gzip': gunzipSync,
    deflate: inflate,
    br: brotliDecompressSync,
  }),
);
const ENCODINGS = 3;

/** The text of a body; `too_long` above the limit, null if the content encoding is unknown or invalid. */
export function decodeBody(body: Uint8Array, contentEncoding = ''): { text: string } | 'too_long' | null {
  const encodings = contentEncoding
    .split(',')
    .map((encoding) => encoding.trim().toLowerCase())
    .filter(Boolean);
  const decoders = encodings.toReversed().map((encoding) => DECODERS.get(encoding));
  if (body.length > MAX_BODY_BYTES) return 'too_long';
  if (decoders.length > ENCODINGS) return null;
  try {
    let decoded = body;
    for (const decode of decoders) {
      if (decode === undefined) return null;
      decoded = decode(decoded, { maxOutputLength: MAX_BODY_BYTES });
    }
    return { text: new TextDecoder().decode(decoded) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too_long' : null;
  }
}

/** Some servers send raw deflate data as `deflate`; only the zlib format begins with compression method 8. */
function inflate(body: Uint8Array, options: ZlibOptions): Uint8Array {
  return ((body[0] ?? 0) & 0x0f) === 8 ? inflateSync(body, options) : inflateRawSync(body, options);
}
