import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { Settings } from '../settings.ts';
import type { Simulation } from '../simulation.ts';
import type { Accepted, FetchedFile } from '../store.ts';

/** The max number of files that are fetched at once. */
const CONCURRENCY = 16;
const MAX_BYTES = 104_857_600;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const limit = pLimit(CONCURRENCY);

/**
 * Fetches the files of an outbound message without credentials, and records the results in the message.
 *
 * @returns whether the provider could read each file; null if none of the URLs is fetched.
 */
export function fetchFiles(
  accepted: Accepted,
  urls: readonly string[],
  { settings, signal }: Simulation,
): Promise<boolean> | null {
  const due = urls.filter((url) => isFetched(url, settings));
  if (due.length === 0) return null;
  accepted.files = due.map((url) => ({ url, status: null, content_type: null, size: null, sha256: null }));
  const each = accepted.files.map((file) =>
    limit(() => fetchFile(file, AbortSignal.any([signal, AbortSignal.timeout(settings.media.timeout_ms)]))),
  );
  return Promise.all(each).then((readable) => readable.every(Boolean));
}

function isFetched(url: string, { media, service_url }: Settings): boolean {
  if (media.fetch === 'service') return originOf(url) === originOf(service_url);
  return media.fetch === 'all';
}

/** The origin of a URL, in which all names of this machine are the same; null for an invalid URL. */
function originOf(text: string): string | null {
  const url = URL.parse(text);
  if (url && LOOPBACK.test(url.hostname)) url.hostname = 'localhost';
  return url?.origin ?? null;
}

/** Completes the record of a file. Returns whether it could be read. */
async function fetchFile(file: FetchedFile, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(file.url, { signal });
    file.status = response.status;
    file.content_type = response.headers.get('content-type');
    const hash = createHash('sha256');
    file.size = 0;
    for await (const part of response.body ?? []) {
      file.size += part.length;
      if (file.size > MAX_BYTES) throw new Error('The file is too large');
      hash.update(part);
    }
    file.sha256 = hash.digest('hex');
    return response.ok && file.content_type !== null && file.size > 0;
  } catch (error) {
    file.error = String((error as Error).cause ?? error);
    return false;
  }
}
