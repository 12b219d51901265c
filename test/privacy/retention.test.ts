import { expect } from 'chai';
import type pg from 'pg';
import type { RetentionDays } from '../../src/config/config.ts';
import { openPool } from '../../src/db/pools.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { createRetentionMeasure } from '../../src/privacy/retention/measure.ts';
import { retentionTasks } from '../../src/privacy/retention/tasks.ts';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { storeMedia } from '../support/media.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

const NONE: RetentionDays = { bodies: null, messages: null, media: null };

describe('The retention of messages', () => {
  let service: Harness;
  let pool: pg.Pool;
  before(async () => {
    service = await startHarness({ ROLE: 'api', PUBLIC_URL: 'https://messages.example.com' });
    pool = openPool(service.databaseUrl, () => undefined, { poolSize: 2 });
  });
  beforeEach(() =>
    sql(`delete from retention_skipped;
      update retention_positions set created_at = '-infinity', message_id = 0, examined_until = '-infinity';
      update messages set created_at = now()`),
  );
  after(async () => {
    await pool.end();
    await service.stop();
  });

  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    query<Row>(service.databaseUrl, text, values);
  let people = 0;
  /** Records a text, and returns the id of the message and of its conversation. */
  const send = async (
    fields: object = {},
    base: object = sms,
  ): Promise<{ id: number; conversation_id: number }> => {
    const to = `+1804555${1_000 + ++people}`;
    const { status, body } = await service.request('POST', '/api/messages/send', { ...base, to, ...fields });
    expect(status, JSON.stringify(body)).to.equal(202);
    return body;
  };
  const age = (days: number, ...ids: number[]) =>
    sql(`update messages set created_at = now() - $1 * interval '1 day' where id = any($2)`, [days, ids]);
  const settle = (status: string, ...ids: number[]) =>
    sql('update deliveries set status = $1, next_attempt_at = null where message_id = any($2)', [
      status,
      ids,
    ]);
  const removed: Record<string, number> = {};
  const run = async (days: Partial<RetentionDays>) => {
    const events = {
      retained: (task: string, count: number) => (removed[task] = (removed[task] ?? 0) + count),
    };
    const context = { pool, store: createPostgresStore(pool), events };
    for (const { step } of retentionTasks(context, { ...NONE, ...days })) while (await step());
  };
  const read = async (id: number) => (await service.request('GET', `/api/messages/${id}`)).body;
  const exists = async (...ids: number[]) =>
    (await sql<{ id: number }>('select id from messages where id = any($1) order by id', [ids])).map(
      ({ id }) => Number(id),
    );

  it('erases the bodies of old messages, but not their files, and returns to messages that were to be sent', async () => {
    const media_ids = [await storeMedia(service.databaseUrl)];
    const [old, young, waiting] = [await send({ type: 'mms', media_ids }), await send(), await send()];
    await age(11, old.id, waiting.id);
    await age(9, young.id);
    await settle('sent', old.id, young.id);
    removed.bodies = 0;
    await run({ bodies: 10 });
    expect((await read(old.id)).body).to.equal('');
    expect((await read(old.id)).media[0].state).to.equal('stored');
    expect([(await read(young.id)).body, (await read(waiting.id)).body]).to.deep.equal([sms.body, sms.body]);
    expect(removed.bodies).to.equal(1);

    await settle('failed', waiting.id);
    await run({ bodies: 10 });
    expect((await read(waiting.id)).redacted_at).to.be.a('string');
    expect(await sql('select from retention_skipped')).to.have.length(0);
  });

  it('deletes old messages with everything that belongs to them, and keeps conversations and suppressions', async () => {
    const shared = await storeMedia(service.databaseUrl);
    const own = await storeMedia(service.databaseUrl);
    const body = { ...email, to: 'ada@example.com', media_ids: [shared, own] };
    const old = await send(body, {});
    const young = await send({ ...body, media_ids: [shared] }, {});
    const waiting = await send();
    const request = inboundBody('stop-1', { from: '+18045559999', body: 'STOP' });
    expect((await deliver(service, request)).status).to.equal(200);
    const [stop] = await sql<{ id: number }>(`select id from messages where provider_message_id = 'stop-1'`);
    const stopId = Number(stop?.id);
    await sql(
      `with attempt as (
         insert into delivery_attempts (message_id, number, provider, started_at, outcome) values ($1, 1, 'a', now(), 'accepted')
       ), action as (
         insert into delivery_actions (message_id, action, from_status) values ($1, 'retry', 'failed')
       )
       insert into delivery_receipts (provider, provider_message_id, message_id, status, occurred_at, received_at, payload)
       values ('a', 'p', $1, 'sent', now(), now(), '{}'), ('a', 'q', null, 'sent', now(), now() - interval '31 days', '{}')`,
      [old.id],
    );
    await settle('sent', old.id, young.id);
    await age(31, old.id, waiting.id, stopId);
    removed.messages = 0;
    await run({ messages: 30 });
    expect(await exists(old.id, young.id, waiting.id, stopId)).to.deep.equal([young.id, waiting.id]);
    expect(removed.messages).to.equal(2);
    const left = (table: string) =>
      sql(`select from ${table} where message_id is null or message_id in ($1, $2)`, [old.id, stopId]);
    const parts = ['deliveries', 'emails', 'message_media', 'opt_outs'];
    for (const table of [...parts, 'delivery_attempts', 'delivery_actions', 'delivery_receipts'])
      expect(await left(table), table).to.have.length(0);
    expect(await sql('select id from media where id = any($1)', [[shared, own]])).to.have.length(1);
    expect(await sql('select from removed_objects')).to.have.length(0);
    const { body: conversation } = await service.request('GET', `/api/conversations/${old.conversation_id}`);
    expect(conversation).to.include({ id: young.conversation_id, message_count: 1 });
    const refused = await service.request('POST', '/api/messages/sms', { ...sms, to: '+18045559999' });
    expect(refused.body.code).to.equal('recipient_suppressed');
    const { body: events } = await service.request('GET', '/api/events?after=0&limit=200');
    const ids = (events.data as { type: string; data: { id: number } }[])
      .filter(({ type }) => type.startsWith('message.'))
      .map(({ data }) => data.id);
    expect(ids).to.include(young.id).and.not.include(old.id);
  });

  it('removes files when all of their messages are old, and reports how far it is behind', async () => {
    const [shared, own] = [await storeMedia(service.databaseUrl), await storeMedia(service.databaseUrl)];
    const old = await send({ type: 'mms', media_ids: [shared, own] });
    const young = await send({ type: 'mms', media_ids: [shared] });
    await settle('sent', old.id, young.id);
    await age(5, old.id);
    await age(3, young.id);
    const overdue = createRetentionMeasure(pool, { ...NONE, media: 4 });
    expect((await overdue())[0]?.seconds).to.be.closeTo(86_400, 60);
    const states = async () => {
      const { media, body } = await read(old.id);
      return [body, ...media.map(({ state }: { state: string }) => state)];
    };
    await run({ media: 4 });
    expect(await states()).to.deep.equal([sms.body, 'stored', 'removed']);
    expect(await overdue()).to.deep.equal([{ task: 'media', seconds: 0 }]);
    await run({ media: 2 });
    expect(await states()).to.deep.equal([sms.body, 'removed', 'removed']);
    // A message is never sent without its files.
    await settle('failed', old.id);
    const { status, body } = await service.request('POST', `/api/messages/${old.id}/retry`);
    expect([status, body.code]).to.deep.equal([409, 'not_retriable']);
    expect(
      await sql('select from media_objects where id in (select object_id from media where id = any($1))', [
        [shared, own],
      ]),
    ).to.have.length(0);
  });

  it('is done by one process at a time, in batches, from the position at which another process ended', async () => {
    const sent = [await send(), await send(), await send()];
    await settle('sent', ...sent.map(({ id }) => id));
    await age(11, ...sent.map(({ id }) => id));
    const client = await pool.connect();
    await client.query(`begin; select from retention_positions where task = 'bodies' for update`);
    await run({ bodies: 10 });
    expect((await read(sent[0]?.id as number)).body).to.equal(sms.body);
    await client.query('rollback');
    client.release();
    await sql(
      `update retention_positions set created_at = m.created_at, message_id = m.id from messages m where m.id = $1 and task = 'bodies'`,
      [sent[0]?.id],
    );
    await run({ bodies: 10 });
    const bodies = await Promise.all(sent.map(async ({ id }) => (await read(id)).body));
    expect(bodies).to.deep.equal([sms.body, '', '']);
  });

  it('examines all messages again after a day', async () => {
    const [late, older] = [await send(), await send()];
    await age(11, late.id);
    await settle('sent', late.id, older.id);
    await run({ bodies: 10 });
    await age(12, older.id);
    await run({ bodies: 10 });
    expect((await read(older.id)).body).to.equal(sms.body);
    await sql(`update retention_positions set began_at = now() - interval '25 hours'`);
    removed.bodies = 0;
    await run({ bodies: 10 });
    // What was examined before is not overdue.
    expect(await createRetentionMeasure(pool, { ...NONE, bodies: 10 })()).to.deep.equal([
      { task: 'bodies', seconds: 0 },
    ]);
    await run({ bodies: 10 });
    expect((await read(older.id)).body).to.equal('');
    expect(removed.bodies).to.equal(1);
  });

  it('is configured in days, and done by workers', async () => {
    const { id } = await send();
    await settle('sent', id);
    await age(2, id);
    // The process that erased a file ended before it removed the content.
    await storeMedia(service.databaseUrl);
    await sql(`delete from media where id = (select max(id) from media)`);
    await sql(`insert into removed_objects select id from media_objects where id not in (
      select object_id from media where object_id is not null)`);
    const worker = await startHarness({ DATABASE_URL: service.databaseUrl, RETENTION_DAYS_BODIES: '1' });
    await until(async () => (await read(id)).body === '', 'the body is erased');
    await until(
      async () => (await sql('select from removed_objects')).length === 0,
      'the content is removed',
    );
    expect(
      await sql('select from media_objects where id not in (select object_id from media)'),
    ).to.have.length(0);
    const { body } = await worker.request('GET', '/metrics');
    await worker.stop();
    expect(body)
      .to.match(/messaging_retention_removed_total\{task="bodies"\} [1-9]/)
      .and.match(/messaging_retention_overdue_seconds\{task="bodies"\} 0/);
  });
});
