import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { StartError } from '../../errors.ts';
import type { Target } from './start-errors.ts';

/**
 * How a client's statements reach sessions of the server: `own` means that the client keeps one session, directly or
 * by a pooler in session mode; `shared` means that a pooler in transaction mode gives it one per transaction.
 */
export type Sessions = 'own' | 'shared';

const ROUNDS = 10;
/** How long a pooler may let a client wait for a session, in milliseconds. */
const WAIT_MS = 3_000;
const WITHOUT_PREPARED = /^(42P05|26000)$|prepared statement/;

/**
 * Finds out how the client's sessions are kept. A pooler gives its clients process ids of its own, so a client whose
 * process id is the server's has a session of its own. Behind a pooler, two clients take turns: in transaction mode
 * they meet in one session, or change it.
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
    if (!(await meet(client, other))) return 'own';
    await assertUsable(client, other, target);
    return 'shared';
  } finally {
    // Not awaited: a pooler may still let it wait for a session.
    void other.end().catch(() => undefined);
  }
}

/** Whether the two clients ever have the same session, or one of them a second one. */
async function meet(client: pg.Client, other: pg.Client): Promise<boolean> {
  const [mine, theirs] = [new Set<number>(), new Set<number>()];
  for (let round = 0; round < ROUNDS; round++) {
    mine.add(await sessionOf(client));
    const session = await sessionOf(other).catch(() => null);
    // A pooler in session mode that has no session left for a second client.
    if (session === null) return false;
    theirs.add(session);
    if (mine.size > 1 || theirs.size > 1 || mine.has(session)) return true;
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
      'its session mode (pool_mode = session), PgBouncer 1.21 or newer with max_prepared_statements above 0, or a URL past the pooler';
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
