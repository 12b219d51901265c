import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Events } from '../observability/events.ts';

/** The channel of the notifications that messages are due. */
export const MESSAGES_DUE = 'messages_due';
const RECONNECT_MS = 1_000;

/** The functions that are called for the notifications of each channel. */
export type Listeners = Readonly<Record<string, () => void>>;

export interface Listener {
  stop(): Promise<void>;
}

/**
 * Listens for the notifications of other processes. Reconnects without a limit; a new connection counts as a notification of
 * every channel.
 */
export function listenForDue(url: string, events: Events, listeners: Listeners): Listener {
  const stopping = new AbortController();
  let client: pg.Client | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      client = createClient(url);
      const error = await listenUntilLost(client, listeners);
      // A server in recovery refuses LISTEN and leaves the connection open.
      client.end().catch(() => undefined);
      if (stopping.signal.aborted) return;
      if (error) events.failed('listen', error);
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

/** Min time between two notifications: under load, one notification covers many messages. */
const NOTIFY_EVERY_MS = 20;

/** Notifies the other processes that messages are due. */
export function createNotifier(pool: pg.Pool, events: Events): () => void {
  const notify = () => pool.query(`notify ${MESSAGES_DUE}`).catch((error) => events.failed('notify', error));
  return combineCalls(notify, NOTIFY_EVERY_MS);
}

/**
 * Returns a function that calls `send` at once. Calls of the function while `send` runs, or within `everyMs` milliseconds
 * after it, are combined into one later call.
 *
 * @param send never rejects.
 */
export function combineCalls(send: () => Promise<unknown>, everyMs: number): () => void {
  let sending = false;
  let again = false;
  return function call(): void {
    again = sending;
    if (sending) return;
    sending = true;
    void send()
      .then(() => sleep(everyMs, undefined, { ref: false }))
      .then(() => {
        sending = false;
        if (again) call();
      });
  };
}
