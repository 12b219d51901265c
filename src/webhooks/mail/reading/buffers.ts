/** A value from another thread, in which a `Buffer` arrives as a `Uint8Array`, with its buffers. */
export function withBuffers<T>(value: T): T {
  return restored(value) as T;
}

function restored(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(restored);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, restored(item)]));
}
