import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { StartError } from '../../errors.ts';
import { type Cluster, USER } from './embedded-cluster.ts';

/** The advisory lock of the service that owns the cluster, so that two services never share one data directory. */
const OWNER_LOCK = 7_203_941;
const TRIES = 40;
const RETRY_MS = 50;

export interface Ownership {
  release(): Promise<void>;
}

/** Connects to the database `postgres` as the superuser. */
export async function connectTo(cluster: Cluster, port: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(cluster, port, 'postgres'), keepAlive: true });
  // The service's own pools report a lost connection.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/**
 * Acquires the owner lock on this connection. Closes the connection if the lock cannot be acquired.
 *
 * @throws {StartError} if another service holds the lock.
 */
export async function acquireOwnership(cluster: Cluster, client: pg.Client): Promise<void> {
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const { rows } = await client.query('select pg_try_advisory_lock($1) as owned', [OWNER_LOCK]);
      if (rows[0]?.owned) return;
      await sleep(RETRY_MS);
    }
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  await client.end();
  throw new StartError([`DATA_DIR: ${cluster.dataDir} is in use by another running service`]);
}

/** Keeps the owner lock of `client` until `release`. If its connection is lost, a new connection acquires the lock again. */
export function keepOwnership(cluster: Cluster, port: number, client: pg.Client): Ownership {
  let owner = client;
  let released = false;
  const watch = () => owner.once('end', reacquire);
  const reacquire = async () => {
    while (!released) {
      try {
        owner = await connectTo(cluster, port);
        await acquireOwnership(cluster, owner);
        if (released) await owner.end();
        else watch();
        return;
      } catch {
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  };
  watch();
  return {
    release: async () => {
      released = true;
      await owner.end().catch(() => undefined);
    },
  };
}

export function urlOf({ password }: Pick<Cluster, 'password'>, port: number, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}
