import type { MediaStore, StoredObject } from '../../media/store.ts';

/** Larger bodies are in the media store, which writes and reads them in parts. */
export const MAX_INLINE_BYTES = 1_048_576;

/** The body of a stored webhook: in its row, or in the media store. */
export interface KeptBody {
  body: Buffer | null;
  object_id: string | null;
  object_bytes: number | null;
}

export function isLarge(body: Buffer): boolean {
  return body.length > MAX_INLINE_BYTES;
}

/** Writes a large body to the media store; null for a body that its row can have. */
export async function writeLargeBody(store: MediaStore, body: Buffer): Promise<StoredObject | null> {
  return isLarge(body) ? store.write(once(body)) : null;
}

/** Reads a body whole, or its first `bytes`. */
export async function readBody(
  store: MediaStore,
  { body, object_id, object_bytes }: KeptBody,
  bytes = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  if (body !== null) return body;
  const read = Buffer.alloc(Math.min(object_bytes as number, bytes));
  let at = 0;
  for await (const part of store.read(object_id as string, 0, read.length)) at += part.copy(read, at);
  return read;
}

/** Removes the body of a webhook whose row is deleted. If the removal fails, the object is collected later (`media/collect.ts`). */
export async function removeLargeBody(store: MediaStore, object: string | null | undefined): Promise<void> {
  if (object) await store.remove([object]).catch(() => undefined);
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}
