/**
 * The content of a file. Browsers send a stream over HTTP/2 only. An iterable, for example a stream of Node.js, requires
 * `ReadableStream.from`: Node.js 20.6, Deno, Bun or Firefox.
 */
export type FileContent =
  | Blob
  | ArrayBuffer
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** The types of TypeScript do not have this function yet. */
type Converter = { from(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> };

/** The request of an operation whose body is a file. Without a type, `fetch` sends the type of a `Blob`. */
export function fileRequest(file: FileContent | string, contentType?: string, query?: object) {
  const { [Symbol.asyncIterator]: iterate } = file as Partial<AsyncIterable<Uint8Array>>;
  const body = iterate
    ? (ReadableStream as unknown as Converter).from(file as AsyncIterable<Uint8Array>)
    : file;
  return {
    params: { query, header: { 'content-type': contentType ?? null } } as object,
    body: body as string,
    bodySerializer: (content: string) => content,
    // A stream needs it.
    duplex: 'half',
  } as const;
}
