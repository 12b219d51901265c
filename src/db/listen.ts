import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface Listener {
  stop(): Promise<void>;
}

/** The functions that are called for the notifications of each channel. */
export type Listeners = Readonly<Record<string, () => void>>;

const RECONNECT_MS = 1_000;

/**
 * Listens for the notifications of other processes. Reconnects without a limit; a new connection counts as a notification of
 * every channel.
 *
 * @param url of the database, without a pooler in transaction mode.
 */
export function listenTo(url: string, listeners: Listeners, onError: (error: unknown) => void): Listener {
  const stopping = new AbortController();
  let client: pg.Client | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      client = createClient(url);
      const error = await listenUntilLost(client, listeners);
      // A server in recovery refuses LISTEN and leaves the connection open.
      client.end().catch(() => undefined);
      if (stopping.signal.aborted) return;
      if (error) onError(error);
      await sleep(RECONNECT_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  void run();
  return {
    stop: async () => {
      stopping.abort();
      await client?.end().catch(() => undefined);
    },
  };
}

function createClient(url: string): pg.Client {
  return new pg.Client({
    connectionString: url,
    keepAlive: true,
    application_name: 'messaging-service-listener',
  });
}

/** Connects and listens. Resolves when the connection cannot be used any more, with the error if there is one. */
async function listenUntilLost(client: pg.Client, listeners: Listeners): Promise<unknown> {
  const lost = Promise.withResolvers<unknown>();
  client.on('error', lost.resolve);
  client.on('end', () => lost.resolve(undefined));
  client.on('notification', ({ channel }) => listeners[channel]?.());
  try {
    await client.connect();
    for (const channel of Object.keys(listeners)) await client.query(`listen ${channel}`);
  } catch (error) {
    return error;
  }
  for (const notify of Object.values(listeners)) notify();
  return lost.promise;
}
