import type { Config } from '../../../config/config.ts';
import { inspectMigrations, type MigrationState } from '../../../db/migrate.ts';
import { explained, inspectDatabase, targetOf } from '../../../db/start/preflight.ts';
import { StartError } from '../../../errors.ts';
import { findEmbedded } from '../embedded-running.ts';
import type { Finding, Section } from './section.ts';

const title = 'Database';

/** Whether the database can be used and is migrated. Changes nothing. */
export async function examineDatabase(config: Config): Promise<Section> {
  const { databaseUrl, databaseDirectUrl, dataDir } = config;
  if (databaseUrl !== null) return examine(databaseUrl, databaseDirectUrl ?? databaseUrl, 'DATABASE_URL');
  const embedded = await findEmbedded(dataDir);
  if (embedded.state === 'running')
    return examine(embedded.url, embedded.url, 'DATA_DIR', { Directory: dataDir });
  const text =
    embedded.state === 'stopped'
      ? 'the embedded PostgreSQL runs with the service only, and the service does not run: not checked'
      : 'the first start of the service creates the embedded PostgreSQL';
  return { title, details: { Directory: dataDir }, findings: [{ result: 'ok', text }] };
}

async function examine(
  url: string,
  directUrl: string,
  variable: string,
  details: Record<string, string> = {},
): Promise<Section> {
  const { host, port, database, user } = targetOf(url, variable);
  const section = {
    title,
    details: { ...details, Server: `${host}:${port}`, Database: database, Role: user },
  };
  const directVariable = directUrl === url ? variable : 'DATABASE_DIRECT_URL';
  try {
    const { sessions } = await inspectDatabase(url, variable);
    if (directUrl !== url) await inspectDatabase(directUrl, directVariable);
    const state = await explained(targetOf(directUrl, directVariable), () => inspectMigrations(directUrl));
    const pooler = sessions === 'shared' ? ', through a pooler in transaction mode' : '';
    return { ...section, findings: [{ result: 'ok', text: `reachable${pooler}` }, describe(state)] };
  } catch (error) {
    const reasons = error instanceof StartError ? error.reasons : [(error as Error).message];
    return { ...section, findings: reasons.map((text) => ({ result: 'fault', text })) };
  }
}

function describe({ pending, installed }: MigrationState): Finding {
  if (pending.length > 0) {
    const names = pending.length > 3 ? `${pending.length} migrations` : pending.join(', ');
    return { result: 'warning', text: `pending: ${names}. The next start or make migrate runs them` };
  }
  if (!installed)
    return {
      result: 'warning',
      text: 'stored functions are missing. The next start or make migrate installs them',
    };
  return { result: 'ok', text: 'migrated' };
}
