import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { StartError } from '../../errors.ts';
import type { Target } from './start-errors.ts';

/**
 * The server sessions of a client. `own`: the client keeps one session, directly or through a pooler in session mode.
 * `shared`: a pooler in transaction mode assigns a session to each transaction.
 */
export type Sessions = 'own' | 'shared';

const ROUNDS = 10;
/** The maximum time that a client waits for a session of a pooler. */
const WAIT_MS = 3_000;
const WITHOUT_PREPARED = /^(42P05|26000)$|prepared statement/;

/**
 * Finds out whether the client has its own session. Without a pooler, the process id that the client received at its
 * connection is the process id of its session. Behind a pooler, two clients query alternately: in transaction mode they
 * get the same session, or one client gets several sessions.
 *
 * @throws {StartError} if the pooler shares sessions and does not keep prepared statements or transactions.
 */
export async function probeSessions(client: pg.Client, url: string, target: Target): Promise<Sessions> {
  const { processID } = client as pg.Client & { processID: number };
  if ((await sessionOf(client)) === processID) return 'own';
  const other = new pg.Client({ connectionString: url, query_timeout: WAIT_MS });
  other.on('error', () => undefined);
  try {
    await other.connect();
    if (!(await shareSessions(client, other))) return 'own';
    await assertUsable(client, other, target);
    return 'shared';
  } finally {
    // Not awaited, because the client may still wait for a session.
    void other.end().catch(() => undefined);
  }
}

/** Whether the two clients get the same session, or one of them gets several sessions. */
async function shareSessions(client: pg.Client, other: pg.Client): Promise<boolean> {
  const [sessions, otherSessions] = [new Set<number>(), new Set<number>()];
  for (let round = 0; round < ROUNDS; round++) {
    sessions.add(await sessionOf(client));
    const session = await sessionOf(other).catch(() => null);
    // The pooler is in session mode and has no free session for a second client.
    if (session === null) return false;
    otherSessions.add(session);
    if (sessions.size > 1 || otherSessions.size > 1 || sessions.has(session)) return true;
  }
  return false;
}

async function sessionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

async function assertUsable(
  client: pg.Client,
  other: pg.Client,
  { variable, host, port }: Target,
): Promise<void> {
  const statement = { name: `probe_${randomUUID()}`, text: 'select $1::int', values: [1] };
  const pooler = `${variable}: the connection pooler at ${host}:${port}`;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await client.query(statement);
      await other.query(statement);
    }
  } catch (cause) {
    const { code = '', message = '' } = cause as { code?: string; message?: string };
    if (!WITHOUT_PREPARED.test(code) && !WITHOUT_PREPARED.test(message)) throw cause;
    const remedies =
      'its session mode (pool_mode = session), PgBouncer 1.21 or newer with max_prepared_statements above 0, or a URL without the pooler';
    const reason = `${pooler} is in transaction mode without prepared statements. Use ${remedies}`;
    throw new StartError([reason], { cause });
  }
  try {
    await client.query('begin');
    await client.query('commit');
  } catch (cause) {
    throw new StartError([`${pooler} is in statement mode. Use its session mode (pool_mode = session)`], {
      cause,
    });
  }
}
