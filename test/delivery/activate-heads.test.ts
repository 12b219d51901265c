import { expect } from 'chai';
import pg from 'pg';
import { createHeadActivation } from '../../src/delivery/maintenance/activate-heads.ts';
import { createMigratedDatabase, query } from '../support/database.ts';

describe('The search for conversations without an active message', () => {
  const CONVERSATIONS = 2_500;
  let url: string;
  let pool: pg.Pool;
  before(async () => {
    url = await createMigratedDatabase();
    pool = new pg.Pool({ connectionString: url });
    await query(
      url,
      `with participant as (
         insert into participants (address, address_type) values ('+12016661234', 'phone') returning id
       ), conversation as (
         insert into conversations (channel, participant_ids)
         select 'sms', array[n] from generate_series(1, ${CONVERSATIONS}) as n returning id
       ), message as (
         insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
         select conversation.id, participant.id, 'outbound', 'sms', 'a', '{b}', 'hello', '{}', '{}', now()
         from conversation cross join participant cross join generate_series(1, 2) returning id, conversation_id
       )
       insert into deliveries (message_id, conversation_id, channel, status, delivery_key, expires_at)
       select id, conversation_id, 'sms', 'queued', gen_random_uuid(), now() + interval '1 day' from message`,
    );
  });
  after(() => pool.end());

  const active = () =>
    query<{ message_id: number; conversation_id: number }>(
      url,
      'select message_id, conversation_id from deliveries where next_attempt_at is not null order by 1',
    );

  it('activates the first message of each conversation, at most 1,000 conversations in one step', async () => {
    const step = createHeadActivation(pool);
    const steps = [];
    for (const _ of [1, 2, 3]) steps.push([await step(), (await active()).length]);
    expect(steps).to.deep.equal([
      [true, 1_000],
      [true, 2_000],
      [false, CONVERSATIONS],
    ]);
    const firsts = await query(
      url,
      'select min(message_id) as message_id, conversation_id from deliveries group by conversation_id order by 1',
    );
    expect(await active()).to.deep.equal(firsts);
  });

  it('starts again with the first conversation after the last conversation', async () => {
    const step = createHeadActivation(pool);
    while (await step());
    const [first] = await active();
    await query(url, 'update deliveries set next_attempt_at = null where message_id = $1', [
      first?.message_id,
    ]);
    await step();
    expect((await active())[0]).to.deep.equal(first);
  });
});
