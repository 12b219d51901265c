import pg from 'pg';
import { StartError } from '../../errors.ts';
import { probeSessions, type Sessions } from './pooler.ts';
import { explainDatabaseError, type Target } from './start-errors.ts';

export interface Inspection {
  sessions: Sessions;
  /** Whether the server has a `statement_timeout` for the role. */
  limited: boolean;
}

/** PostgreSQL 15, in the format of `server_version_num`. */
const MIN_VERSION = 150_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Without this timeout, a client may wait minutes for a session of a pooler. */
const QUERY_TIMEOUT_MS = 10_000;

/**
 * Checks before the start that a database can be used.
 *
 * @param variable the name of the variable that contains the URL, for error texts.
 * @throws {StartError} with the remedy if the database cannot be used.
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
 * Runs `work` and explains errors of the database.
 *
 * @throws {StartError} with the remedy if the database causes an error.
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
  collated: boolean;
  standby: boolean;
  read_only: boolean;
  limited: boolean;
}

async function assertSuitable(client: pg.Client, { variable, database }: Target): Promise<boolean> {
  const { rows } = await client.query<Server>(`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
      current_setting('server_encoding') as encoding,
      exists (select from pg_collation where collname in ('pg_c_utf8', 'und-x-icu')) as collated, pg_is_in_recovery() as standby,
      current_setting('transaction_read_only')::bool as read_only, current_setting('statement_timeout') <> '0' as limited`);
  const [server] = rows;
  if (!server) throw new StartError([`${variable}: the server does not respond like a PostgreSQL server`]);
  const reasons = [
    server.number < MIN_VERSION && `PostgreSQL ${server.version} is too old: 15 or newer is required`,
    server.encoding !== 'UTF8' &&
      `the encoding of "${database}" is ${server.encoding}. Create a new database: createdb --encoding=UTF8 --template=template0`,
    !server.collated &&
      `PostgreSQL ${server.version} has no ICU collations: install a build with ICU, or version 17 or newer`,
    server.standby && 'the server is a standby, which cannot be written to. Name the primary',
    !server.standby &&
      server.read_only &&
      'the database is read-only: default_transaction_read_only is on. Turn it off for this role or database',
  ].filter((reason) => reason !== false);
  if (reasons.length > 0) throw new StartError(reasons.map((reason) => `${variable}: ${reason}`));
  return server.limited;
}
