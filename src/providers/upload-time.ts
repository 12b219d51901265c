/** A body up to this size needs no time of its own. */
const FREE_BYTES = 1_048_576;
/** The slowest upload that a call waits for: 4 Mbit/s. */
const BYTES_PER_MS = 512;
/** Max result of `uploadMs`. */
export const MAX_UPLOAD_MS = 80_000;

/** The time to upload a body, in milliseconds, by which its request may take longer than `PROVIDER_TIMEOUT_MS`. */
export function uploadMs(bytes: number): number {
  return bytes <= FREE_BYTES ? 0 : Math.min(MAX_UPLOAD_MS, Math.ceil(bytes / BYTES_PER_MS));
}
