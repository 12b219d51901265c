import pg from 'pg';
import { StartError } from '../../errors.ts';
import { probeSessions, type Sessions } from './pooler.ts';
import { explainDatabaseError, type Target } from './start-errors.ts';

export interface Inspection {
  sessions: Sessions;
  /** Whether statements that the service does not limit itself are limited by the server. */
  limited: boolean;
}

const OLDEST = 150_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A pooler may let a client wait for a session for minutes. */
const QUERY_TIMEOUT_MS = 10_000;

/**
 * Checks before the start that a database can be used.
 *
 * @param variable the variable that the URL comes from, for the error texts.
 * @throws {StartError} with one line if it cannot.
 */
export async function inspectDatabase(url: string, variable: string): Promise<Inspection> {
  const target = targetOf(url, variable);
  return explained(target, async () => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const limited = await assertSuitable(client, target);
      return { sessions: await probeSessions(client, url, target), limited };
    } finally {
      await client.end().catch(() => undefined);
    }
  });
}

/**
 * Runs `work`.
 *
 * @throws {StartError} with one line if the database causes a failure.
 */
export async function explained<T>(target: Target, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const reason = explainDatabaseError(cause, target);
    if (reason === null) throw cause;
    throw new StartError([reason], { cause });
  }
}

export function targetOf(url: string, variable: string): Target {
  const { hostname, port, username, pathname, searchParams } = new URL(url);
  const user = decodeURIComponent(username) || 'postgres';
  return {
    variable,
    host: searchParams.get('host') ?? (hostname || 'localhost'),
    port: Number(searchParams.get('port') ?? (port || 5432)),
    user,
    database: decodeURIComponent(pathname.slice(1)) || user,
  };
}

interface Server {
  number: number;
  version: string;
  encoding: string;
  standby: boolean;
  read_only: boolean;
  limited: boolean;
}

async function assertSuitable(client: pg.Client, { variable, database }: Target): Promise<boolean> {
  const { rows } = await client.query<Server>(`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
      current_setting('server_encoding') as encoding, pg_is_in_recovery() as standby,
      current_setting('transaction_read_only')::bool as read_only, current_setting('statement_timeout') <> '0' as limited`);
  const [server] = rows;
  if (!server) throw new StartError([`${variable}: the server does not answer as PostgreSQL does`]);
  const reasons = [
    server.number < OLDEST && `PostgreSQL ${server.version} is too old: 15 or newer is required`,
    server.encoding !== 'UTF8' &&
      `the encoding of "${database}" is ${server.encoding}. Create it anew: createdb --encoding=UTF8 --template=template0`,
    server.standby && 'the server is a standby, which cannot be written to. Name the primary',
    !server.standby &&
      server.read_only &&
      'the database is read-only: default_transaction_read_only is on. Turn it off for this role or database',
  ].filter((reason) => reason !== false);
  if (reasons.length > 0) throw new StartError(reasons.map((reason) => `${variable}: ${reason}`));
  return server.limited;
}
