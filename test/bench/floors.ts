import pg from 'pg';
import { load, type Measured } from './load.ts';
import { startProcess } from './service.ts';
import { customer, inbound } from './workload.ts';

/** The same requests, validated and answered, with no database behind. */
export async function httpFloor(connections: number, seconds: number): Promise<Measured> {
  const server = await startProcess('test/bench/floor-server.ts', {});
  try {
    return await load({ url: `${server.url}/api/webhooks/sms`, connections, seconds, next: inbound });
  } finally {
    await server.stop();
  }
}

/** What the service writes for a message whose conversation is there, in one statement. */
const WRITE = {
  name: 'floor',
  text: `
    with conversation as (
      update conversations set message_count = message_count + 1, last_message_at = now()
      where participant_ids = $1::bigint[] returning id)
    insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
      status, provider, provider_message_id, segments, "timestamp", payload)
    select id, $2, 'inbound', 'sms', $3, array[$4], $5, '{}', '{}', 'received', 'floor', $6, 1, $7, $8 from conversation`,
};

/** The same message by plain SQL: one prepared statement and one commit a message, as fast as `connections` allow. */
export async function sqlFloor(url: string, connections: number, seconds: number): Promise<Measured> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  await prepare(pool);
  const { rows } = await pool.query<{ id: string; address: string }>('select id, address from participants');
  const idOf = new Map(rows.map(({ id, address }) => [address, Number(id)]));
  const times: number[] = [];
  const deadline = performance.now() + seconds * 1_000;
  const worker = async () => {
    const client = await pool.connect();
    while (performance.now() < deadline) {
      const started = performance.now();
      const message = inbound() as Record<string, string>;
      const [from, to] = [idOf.get(message.from ?? '') ?? 0, idOf.get(message.to ?? '') ?? 0];
      const set = [from, to].sort((a, b) => a - b);
      await client.query(WRITE, [
        set,
        from,
        message.from,
        message.to,
        message.body,
        message.messaging_provider_id,
        message.timestamp,
        JSON.stringify(message),
      ]);
      times.push(performance.now() - started);
    }
    client.release();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  await pool.end();
  times.sort((a, b) => a - b);
  const at = (part: number) => Math.round((times[Math.floor(times.length * part)] ?? 0) * 10) / 10;
  return {
    answered: times.length,
    failed: 0,
    perSecond: Math.round(times.length / seconds),
    p50: at(0.5),
    p99: at(0.99),
  };
}

/** The 20,000 conversations that everybody writes to. */
async function prepare(pool: pg.Pool): Promise<void> {
  const addresses = ['+12016661234', ...Array.from({ length: 20_000 }, (_, n) => customer(n))];
  await pool.query(
    `insert into participants (address, kind) select unnest($1::text[]), 'phone' on conflict do nothing`,
    [addresses],
  );
  await pool.query(
    `with made as (
       insert into conversations (channel, participant_ids)
       select 'sms', array[least(b.id, c.id), greatest(b.id, c.id)]
       from participants b, participants c where b.address = $1 and c.address <> $1
       on conflict do nothing returning id, participant_ids)
     insert into conversation_participants select id, unnest(participant_ids) from made`,
    [addresses[0]],
  );
  await pool.query('analyze');
}
