import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Events } from '../observability/events.ts';

const CHANNEL = 'messages_due';
const RECONNECT_MS = 1_000;

export interface Listener {
  stop(): Promise<void>;
}

/** Listens for the notifications of other processes. Reconnects without a limit; a new connection counts as a notification. */
export function listenForDue(url: string, events: Events, onNotification: () => void): Listener {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function again(error?: unknown): void {
    if (stopped || timer) return;
    if (error) events.failed('listen', error);
    timer = setTimeout(() => {
      timer = undefined;
      void connect();
    }, RECONNECT_MS);
  }

  async function connect(): Promise<void> {
    const fresh = new pg.Client({
      connectionString: url,
      keepAlive: true,
      application_name: 'messaging-service-listener',
    });
    client = fresh;
    fresh.on('error', again);
    fresh.on('end', () => again());
    fresh.on('notification', onNotification);
    try {
      await fresh.connect();
      await fresh.query(`listen ${CHANNEL}`);
      onNotification();
    } catch (error) {
      again(error);
    }
  }

  void connect();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}

/** Min time between two notifications: under load, one notification covers many messages. */
const NOTIFY_EVERY_MS = 20;

/** Notifies the other processes that messages are due, with one notification at a time and one more if needed. */
export function createNotifier(pool: pg.Pool, events: Events): () => void {
  let sending = false;
  let again = false;
  return function notify(): void {
    if (sending) {
      again = true;
      return;
    }
    sending = true;
    pool
      .query(`notify ${CHANNEL}`)
      .catch((error) => events.failed('notify', error))
      .then(() => sleep(NOTIFY_EVERY_MS, undefined, { ref: false }))
      .then(() => {
        sending = false;
        if (!again) return;
        again = false;
        notify();
      });
  };
}
