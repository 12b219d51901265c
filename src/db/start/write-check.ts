import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { UnavailableError } from '../../errors.ts';
import { shareRunning } from '../batch/share-running.ts';

/** How long the result of a check is reused. */
const REUSE_MS = 1_000;
const TIMEOUT_MS = 3_000;

/**
 * One transaction that writes to the write-ahead log, up to the flush at the commit, and to the disk of the data by a
 * temporary file of about 100 KiB. The transaction changes no table and acquires no lock, so any number of processes can
 * run it at the same time.
 */
const WRITE = `
  select current_setting('transaction_read_only')::bool as read_only;
  set local work_mem = '64kB';
  select pg_logical_emit_message(not current_setting('transaction_read_only')::bool, 'messaging-service', 'write check');
  select count(*) from generate_series(1, 5000)`;

/**
 * Returns a function that checks whether the database can be written to, at most once per second.
 *
 * @param run runs several statements in one call on one connection.
 */
export function createWriteCheck(run: (text: string) => Promise<unknown>): () => Promise<void> {
  const check = shareRunning(() => write(run), REUSE_MS);
  return () => withTimeout(check());
}

async function write(run: (text: string) => Promise<unknown>): Promise<void> {
  const [result] = (await run(WRITE)) as pg.QueryResult<{ read_only: boolean }>[];
  if (result?.rows[0]?.read_only) throw new UnavailableError('The database is read-only.');
}

/** Rejects after `TIMEOUT_MS`, because a commit may wait for a disk or a standby without a limit. */
async function withTimeout(check: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const timeout = sleep(TIMEOUT_MS, undefined, { signal: timer.signal, ref: false }).then(
    () => {
      throw new UnavailableError('The database does not complete a write in time.');
    },
    () => undefined,
  );
  try {
    await Promise.race([check, timeout]);
  } finally {
    timer.abort();
  }
}
