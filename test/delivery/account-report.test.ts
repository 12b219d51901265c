import { expect } from 'chai';
import { LAST_ERRORS } from '../../src/delivery/accounts/report.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const WAITING = 20_000;
const FAILED = 20;

describe('The report of the last errors of accounts', () => {
  let api: Harness;
  before(async () => {
    api = await startHarness({ ROLE: 'api' });
  });
  after(() => api.stop());

  it('reads messages with an attempt only, however many messages without one wait', async () => {
    await query(
      api.databaseUrl,
      `with sender as (insert into participants (address, address_type) values ('+1', 'phone') returning id),
       conversation as (insert into conversations (channel, participant_ids)
         select 'sms', array[id] from sender returning id),
       stored as (
         insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
         select conversation.id, sender.id, 'outbound', 'sms', '', '{}', 'x', '{}', '{}', now() from sender, conversation, generate_series(1, $1::int)
         returning id, conversation_id)
       insert into deliveries (message_id, conversation_id, channel, status, delivery_key, expires_at, next_attempt_at,
         attempt_count, error)
       select id, conversation_id, 'sms', 'queued', gen_random_uuid(), now() + interval '1 day',
         now() - id * interval '1 second', (n <= $2)::int, case when n <= $2 then '{}'::jsonb end
       from (select *, row_number() over (order by id) as n from stored) as numbered`,
      [WAITING, FAILED],
    );
    await query(api.databaseUrl, 'vacuum analyze');
    const [channels, names] = [`array['sms']`, `array['']`];
    const plan = await query<{ 'QUERY PLAN': string }>(
      api.databaseUrl,
      `explain (analyze, buffers, timing off, summary off)
       ${LAST_ERRORS.replace('?', channels).replace('?', names)}`,
    );
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(Number(/Buffers: shared hit=(\d+)/.exec(text)?.[1]), text).to.be.within(1, 100);
  });
});
