import type pg from 'pg';
import type { Message } from '../db/models/message.ts';
import type { NewMessage } from './new-message.ts';
import type { Recorded } from './record.ts';

const FIND_EXISTING = {
  name: 'find-existing',
  text: `
    select * from messages
    where idempotency_key = any($1::text[])
       or (direction = 'inbound'
           and (provider, provider_message_id) in (select * from unnest($2::text[], $3::text[])))`,
};

/**
 * The messages that stand in the way of these, in their order; null where the one that does came from another
 * request under the same Idempotency-Key.
 */
export async function findExisting(
  connection: pg.PoolClient,
  repeats: NewMessage[],
): Promise<(Recorded | null)[]> {
  if (repeats.length === 0) return [];
  const inbound = repeats.filter(({ row }) => row.direction === 'inbound');
  const { rows } = await connection.query<Message>(FIND_EXISTING, [
    repeats.flatMap(({ row }) => row.idempotency_key ?? []),
    inbound.map(({ row }) => row.provider),
    inbound.map(({ row }) => row.provider_message_id),
  ]);
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return repeats.map(({ row }) => {
    const found = byKey.get(keyOf(row));
    if (!found) throw new Error('A message was refused as a repeat of one that is not there');
    if (row.direction === 'inbound') return { repeated: true, message: found };
    return found.request_hash === row.request_hash
      ? { repeated: true, message: asFirstAnswered(found) }
      : null;
  });
}

type Keyed = Pick<Message, 'direction' | 'idempotency_key' | 'provider' | 'provider_message_id'>;

function keyOf(row: Keyed): string {
  return JSON.stringify(
    row.direction === 'inbound' ? [row.provider, row.provider_message_id] : row.idempotency_key,
  );
}

/** A repeated send is given its first answer again, whatever has become of the message since. */
function asFirstAnswered(row: Message): Message {
  const status = row.send_at !== null && row.send_at > row.created_at ? 'scheduled' : 'queued';
  const then = { status, error: null, provider: null, provider_message_id: null, updated_at: row.created_at };
  return Object.assign(row, then);
}
