import type pg from 'pg';
import type { Events } from '../observability/events.ts';
import { combineCalls } from '../outbox/combine-calls.ts';

/** The channel of the notifications that messages are due. */
export const MESSAGES_DUE = 'messages_due';

/** Min time between two notifications: under load, one notification covers many messages. */
const NOTIFY_EVERY_MS = 20;

/** Notifies the other processes that messages are due. */
export function createNotifier(pool: pg.Pool, events: Events): () => void {
  const notify = () => pool.query(`notify ${MESSAGES_DUE}`).catch((error) => events.failed('notify', error));
  return combineCalls(notify, NOTIFY_EVERY_MS);
}
