import { createServer } from 'node:net';
import type pg from 'pg';
import { StartError } from '../../errors.ts';
import { openCluster } from './embedded-cluster.ts';
import { acquireOwnership, keepOwnership, urlOf } from './embedded-owner.ts';
import { endPreviousServer } from './embedded-previous.ts';
import { startServer } from './embedded-server.ts';

/** A PostgreSQL server that belongs to this process and ends with it. */
export interface EmbeddedDatabase {
  url: string;
  /** Resolves when the server has ended, also after `stop`, with its exit status and the reason in its log. */
  exited: Promise<string>;
  /** Stops the server; resolves when it has ended. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** The port on loopback; default: any free port. */
  port?: number;
  /** Whether to keep the log of the previous run; default: false. */
  keepLog?: boolean;
  /** Called before each step that may take seconds. */
  onStep?: (step: string) => void;
}

/** The name of the database in the embedded PostgreSQL. */
export const DATABASE = 'messaging_service';

/**
 * Starts the PostgreSQL that ships with this service, with its data in `dataDir`. Stops the server of a killed service
 * first.
 *
 * @throws {StartError} if the directory cannot be used or belongs to a running service, or the server does not start.
 */
export async function startEmbedded(
  dataDir: string,
  { port, keepLog = false, onStep = () => undefined }: EmbeddedOptions = {},
): Promise<EmbeddedDatabase> {
  const cluster = await openCluster(dataDir, onStep);
  await endPreviousServer(cluster, onStep);
  onStep(`Starting PostgreSQL in ${dataDir}`);
  const { server, client } = await startServer(
    cluster,
    port ?? (await freePort()),
    keepLog ? 'append' : 'replace',
  );
  try {
    await acquireOwnership(cluster, client);
    await ensureDatabase(client);
  } catch (error) {
    await server.stop();
    if (error instanceof StartError) throw error;
    // Another service that started at the same time may have stopped the server.
    const reason = `PostgreSQL in ${dataDir} was stopped while it started: ${(error as Error).message}`;
    throw new StartError([`DATA_DIR: ${reason}`], { cause: error });
  }
  const ownership = keepOwnership(cluster, server.port, client);
  void server.exited.then(ownership.release);
  return {
    url: urlOf(cluster, server.port, DATABASE),
    exited: server.exited,
    stop: async () => {
      await ownership.release();
      await server.stop();
    },
  };
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
  if (!rowCount) await client.query(`create database ${DATABASE}`);
}

/** A port that is free now; another process may use the port before the caller does. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}
