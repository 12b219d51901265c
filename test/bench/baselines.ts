import pg from 'pg';
import { load, type Measured, stopwatch } from './load.ts';
import { startServer } from './service.ts';
import { inbound, messages, posts, SHOP } from './workload.ts';

const PATH = '/api/webhooks/sms';

/** The same requests, validated and answered by Express without a database. */
export async function httpBaseline(connections: number, count: number, warmUp: number): Promise<Measured> {
  const server = await startServer(process.execPath, ['test/bench/baseline-server.ts'], (port) => ({
    PORT: String(port),
  }));
  try {
    await load(server.url, connections, posts(PATH, inbound, warmUp));
    return await load(server.url, connections, posts(PATH, inbound, count));
  } finally {
    await server.stop();
  }
}

/**
 * The writes of one inbound message in one handwritten statement: the look-up of the participants, the update of their
 * conversation, and the message with all its indexes. Participants and conversations exist already.
 */
const WRITE = {
  name: 'baseline',
  text: `
    with people as (
      select array_agg(id order by id) as ids, max(id) filter (where address = $1) as sender_id
      from participants where address = any(array[$1, $2])
    ), conversation as (
      update conversations set message_count = message_count + 1, last_message_at = now()
      from people where participant_ids = people.ids returning conversations.id, people.sender_id)
    insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
      provider, provider_message_id, segments, "timestamp", payload)
    select id, sender_id, 'inbound', 'sms', $1, array[$2], $3, '{}', '{}', 'baseline', $4, 1, $5, $6
    from conversation
    returning id`,
};

/** The baseline for PostgreSQL: one prepared statement and one commit per message, over `connections` connections. */
export async function sqlBaseline(url: string, connections: number, count: number): Promise<Measured> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
  const waiting = messages(inbound, count);
  const clock = stopwatch();
  const started = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let message = waiting.pop(); message; message = waiting.pop()) {
        const began = performance.now();
        const { from, body, messaging_provider_id, timestamp } = message;
        const payload = JSON.stringify(message);
        await client.query(WRITE, [from, SHOP, body, messaging_provider_id, timestamp, payload]);
        clock.add(performance.now() - began);
      }
      client.release();
    }),
  );
  const elapsed = performance.now() - started;
  await pool.end();
  return clock.measured(elapsed);
}
