import { expect } from 'chai';
import pg from 'pg';
import { createRetryAfterStart } from '../../src/delivery/maintenance/operator-errors.ts';
import { sms } from '../support/bodies.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

/** Whether each message is due, by id. */
async function dueIn(url: string): Promise<Record<number, boolean>> {
  const rows = await query<{ id: number; due: boolean }>(
    url,
    'select message_id::int as id, next_attempt_at <= now() as due from deliveries order by 1',
  );
  return Object.fromEntries(rows.map(({ id, due }) => [id, due]));
}

describe('Messages that wait after an operator error', () => {
  let service: Harness;
  afterEach(() => service.stop());

  it('are sent after a restart at once, and not after the delay of their backoff', async () => {
    service = await startHarness();
    const { databaseUrl } = service;
    const fault = { channel: 'sms', type: 'status', retry_after: 3_600 };
    await service.control('PUT', '/_control/faults', [
      { ...fault, status: 401, times: 2 },
      { ...fault, status: 503 },
    ]);
    const ids: number[] = [];
    for (let n = 0; n < 3; n++) {
      const { id } = (await service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555020${n}` }))
        .body;
      ids.push(id);
      await until(async () => {
        const { body } = await service.request('GET', `/api/messages/${id}`);
        return body.status === 'queued' && body.error !== null;
      }, 'the attempt failed');
    }
    const [refused, uncertain, unavailable] = ids as [number, number, number];
    await query(databaseUrl, 'update deliveries set may_have_been_sent = true where message_id = $1', [
      uncertain,
    ]);
    await service.stop();
    expect(await dueIn(databaseUrl)).to.deep.equal({
      [refused]: false,
      [uncertain]: false,
      [unavailable]: false,
    });

    service = await startHarness({ DATABASE_URL: databaseUrl });
    await service.untilStatus(refused, 'delivered');
    const { [uncertain]: isUncertainDue, [unavailable]: isUnavailableDue } = await dueIn(databaseUrl);
    expect([isUncertainDue, isUnavailableDue]).to.deep.equal([false, false]);
    expect(await service.accepted()).to.have.length(1);
  });
});

describe('The search for messages that wait after an operator error', () => {
  const MESSAGES = 2_500;
  let url: string;
  let pool: pg.Pool;
  beforeEach(async () => {
    url = await createMigratedDatabase();
    pool = new pg.Pool({ connectionString: url });
    await query(
      url,
      `with participant as (
         insert into participants (address, address_type) values ('+12016661234', 'phone') returning id
       ), conversation as (
         insert into conversations (channel, participant_ids)
         select 'sms', array[n] from generate_series(1, ${MESSAGES}) as n returning id
       ), message as (
         insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
         select conversation.id, participant.id, 'outbound', 'sms', 'a', '{b}', 'hello', '{}', '{}', now()
         from conversation cross join participant returning id, conversation_id
       )
       insert into deliveries (message_id, conversation_id, channel, status, delivery_key, expires_at, attempt_count, error,
         next_attempt_at, updated_at)
       select id, conversation_id, 'sms', 'queued', gen_random_uuid(), now() + interval '1 day', 1,
         jsonb_build_object('code', '1', 'class', case when id % 2 = 0 then 'account_problem' else 'provider_error' end),
         now() + interval '1 hour', now() - interval '1 minute'
       from message`,
    );
  });
  afterEach(() => pool.end());

  const countDue = async () => Object.values(await dueIn(url)).filter(Boolean).length;
  const accounts = [{ name: 'text-co', channel: 'sms' }];

  it('reads about 1,000 messages in one step, and ends', async () => {
    await query(
      url,
      `update deliveries set next_attempt_at = next_attempt_at + message_id * interval '1 second', provider = 'text-co'`,
    );
    const step = createRetryAfterStart(pool, accounts);
    const counts = [];
    let steps = 1;
    while (await step()) {
      counts.push(await countDue());
      steps++;
    }
    expect(counts.slice(0, 3)).to.deep.equal([500, 1_000, MESSAGES / 2]);
    expect(steps).to.equal(4);
    await query(url, `update deliveries set next_attempt_at = now() + interval '1 hour'`);
    expect(await step()).to.equal(false);
    expect(await countDue()).to.equal(0);
  });

  it('finds every message of the same time, without an account too, and none that failed after the start', async () => {
    const step = createRetryAfterStart(pool, accounts);
    await query(
      url,
      `update deliveries set updated_at = now() + interval '1 minute' where message_id <= 100`,
    );
    while (await step());
    expect(await countDue()).to.equal(MESSAGES / 2 - 50);
  });
});
