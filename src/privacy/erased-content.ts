import type pg from 'pg';
import { type Listener, listenTo } from '../db/listen.ts';
import { execute } from '../db/transaction.ts';

/** The channels of the notifications that content was erased, and that addresses were. */
export const CONTENT_ERASED = 'content_erased';
export const PARTICIPANTS_ERASED = 'participants_erased';

const EVERY_MS = 5_000;
const VERSION = { name: 'read-erased-version', text: 'select version from erased_content' };

/**
 * Creates a function that detects erasures whose notification was lost, by the version that changes with each erasure.
 *
 * @param onErased empties the caches of this process.
 */
export function createErasureCheck(pool: pg.Pool, onErased: () => void): () => Promise<void> {
  let known: number | undefined;
  return async () => {
    const { rows } = await execute<{ version: number }>(pool, VERSION, []);
    const version = rows[0]?.version;
    if (known !== undefined && version !== known) onErased();
    known = version;
  };
}

/** The check as a background task. */
export function erasureCheck(pool: pg.Pool, onErased: () => void) {
  const check = createErasureCheck(pool, onErased);
  return { everyMs: EVERY_MS, step: () => check().then(() => false) };
}

export interface WatchOptions {
  pool: pg.Pool;
  /** The URL of the database, without a pooler, for LISTEN. */
  url: string;
  /** Forgets the content of messages. */
  onContentErased: () => void;
  /** Forgets everything. */
  onErased: () => void;
  onError: (error: unknown) => void;
}

/** Watches the erasures by all processes. */
export function watchErasures({ pool, url, onContentErased, onErased, onError }: WatchOptions): Listener {
  const listeners = { [CONTENT_ERASED]: onContentErased, [PARTICIPANTS_ERASED]: onErased };
  const listener = listenTo(url, listeners, onError);
  const check = createErasureCheck(pool, onErased);
  // While the database is unavailable, nothing is erased.
  const timer = setInterval(() => void check().catch(() => undefined), EVERY_MS).unref();
  return {
    stop: () => {
      clearInterval(timer);
      return listener.stop();
    },
  };
}
