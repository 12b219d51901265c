import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import { createReceiptRecorder, type NewReceipt } from '../../../src/delivery/receipts.ts';
import { createEvents } from '../../../src/observability/events.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { timelineOf } from '../../support/timeline.ts';
import { until } from '../../support/until.ts';
import type { Actor } from './causes.ts';
import { Stage } from './stage.ts';

const RECEIPT: NewReceipt = {
  ...{ provider: 'text-co', provider_message_id: null, recipient: null, dedupe_key: null, status: 'sent' },
  ...{
    of_one: false,
    error: null,
    bounce: null,
    wire_message_id: null,
    occurred_at: new Date(0),
    payload: {},
    echo: null,
  },
};

describe('A receipt without an id of the provider', () => {
  let service: Harness;
  let stage: Stage;
  let pool: pg.Pool;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    stage = new Stage(service);
    pool = new pg.Pool({ connectionString: service.databaseUrl });
  });
  after(async () => {
    await pool.end();
    await stage.close();
    await service.stop();
  });

  let key = 0;
  const record = (receipt: Partial<NewReceipt>) =>
    createReceiptRecorder(pool, createEvents(createLogger('silent'))).record({
      ...RECEIPT,
      ...{ dedupe_key: `key-${++key}`, ...receipt },
    });
  const deliveryOf = async ({ id }: Actor) => {
    const [row] = await query<{ status: string; provider_message_id: string | null; delivery_key: string }>(
      service.databaseUrl,
      'select status, provider_message_id, delivery_key from deliveries where message_id = $1',
      [id],
    );
    return row as NonNullable<typeof row>;
  };
  const echoOf = async (actor: Actor) => ({
    messageId: actor.id,
    deliveryKey: (await deliveryOf(actor)).delivery_key,
  });

  it('finds its message by the delivery key, before and after the result of the attempt', async () => {
    const actor = await stage.place('sending', 'accepted');
    const echo = await echoOf(actor);
    expect(await record({ echo })).to.deep.include({ message_id: actor.id, provider_message_id: null });
    expect(await deliveryOf(actor)).to.deep.include({ status: 'sent', provider_message_id: null });
    await stage.cause('accepted', [actor]);
    expect(await deliveryOf(actor)).to.deep.include({ status: 'sent', provider_message_id: 'accepted-id' });
    await record({ echo, status: 'delivered' });
    expect(await stage.statesOf([actor])).to.deep.equal(['delivered']);
  });

  it('lists the attempt during which it came, until the result of the attempt replaces it', async () => {
    const attemptsOf = async ({ id }: Actor) =>
      (await service.request('GET', `/api/messages/${id}/attempts`)).body.data;
    const pending = { outcome: 'unknown', code: 'result_pending', duration_ms: null, next_attempt_at: null };
    const echoed = await stage.place('sending', 'accepted');
    await record({ echo: await echoOf(echoed) });
    const late = await stage.place('sending', 'late_accepted');
    await stage.cause('late_accepted', [late]);
    expect(await stage.statesOf([echoed, late])).to.deep.equal(['sent', 'sent']);
    const [first, second] = await attemptsOf(late);
    expect(first).to.include({ number: 1, outcome: 'accepted' });
    expect(second).to.include({ number: 2, ...pending });
    expect(await attemptsOf(echoed)).to.have.length(1);
    expect((await attemptsOf(echoed))[0]).to.include({ number: 1, ...pending });
    await stage.cause('accepted', [echoed]);
    expect(await attemptsOf(echoed)).to.have.length(1);
    expect((await attemptsOf(echoed))[0]).to.include({ number: 1, outcome: 'accepted', code: null });
  });

  it('is stored and changes nothing if the key is wrong, or the receipt is from another account', async () => {
    const actor = await stage.place('sending', 'accepted');
    const echo = await echoOf(actor);
    const wrong = await record({ echo: { ...echo, deliveryKey: '00000000-0000-4000-8000-000000000000' } });
    expect(wrong.message_id).to.equal(null);
    const foreign = await record({ echo, provider: 'another', status: 'delivered' });
    expect(foreign.message_id).to.equal(actor.id);
    expect(await stage.statesOf([actor])).to.deep.equal(['sending']);
    expect((await timelineOf(service, actor.id)).receipts).to.have.length(1);
  });

  it('can name one recipient of a group, whose id is not the id of the message', async () => {
    const to = ['+12015550101', '+12015550102'];
    const actor = await stage.place('unknown', 'echo', 'sms', { to });
    const echo = await echoOf(actor);
    await record({ echo, provider_message_id: 'first', recipient: to[0] as string, status: 'delivered' });
    await record({ echo, provider_message_id: 'second', recipient: to[1] as string, status: 'queued' });
    expect(await stage.recipientsOf(actor.id)).to.deep.equal(['delivered', 'sent']);
    await record({ provider_message_id: 'second', status: 'failed' });
    expect(await stage.recipientsOf(actor.id)).to.deep.equal(['delivered', 'failed']);
    expect(await stage.statesOf([actor])).to.deep.equal(['undelivered']);
  });

  it('can name one recipient while another transaction applies a receipt of the whole message', async () => {
    const to = ['+12015550101', '+12015550102'];
    const store = `select from ${storedFunction('store_receipts')}($1)`;
    for (const isRecipientFirst of [true, false]) {
      const actor = await stage.place('sent', 'receipt_sent', 'sms', { to });
      const { provider_message_id, delivery_key } = await deliveryOf(actor);
      const row = (receipt: object) =>
        JSON.stringify([
          { ...{ n: 0, provider: 'text-co', occurred_at: new Date(0), payload: {} }, ...receipt },
        ]);
      const ofRecipient = row({
        ...{ message_id: actor.id, delivery_key, dedupe_key: `key-${++key}` },
        ...{ recipient: to[0], status: 'undelivered' },
      });
      const ofMessage = row({ provider_message_id, status: 'delivered' });
      const [first, second] = isRecipientFirst ? [ofRecipient, ofMessage] : [ofMessage, ofRecipient];
      const [one, other] = [await pool.connect(), await pool.connect()];
      try {
        const pid = (await other.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
        await one.query('begin');
        await one.query(store, [first]);
        const stored = other.query(store, [second]);
        await until(
          async () =>
            (await pool.query('select from unnest(pg_blocking_pids($1)) as pid', [pid])).rowCount === 1,
          'the second transaction waits for the first',
        );
        await one.query('commit');
        await stored;
      } finally {
        one.release();
        other.release();
      }
      expect(await stage.statesOf([actor])).to.deep.equal([isRecipientFirst ? 'undelivered' : 'delivered']);
      expect(await stage.recipientsOf(actor.id)).to.deep.equal([
        isRecipientFirst ? 'undelivered' : 'delivered',
        'delivered',
      ]);
    }
  });

  it('is the same receipt if it has the same key, also with another status', async () => {
    const actor = await stage.place('sent', 'receipt_sent');
    const provider_message_id = (await deliveryOf(actor)).provider_message_id;
    const statuses = ['sent', 'delivered'].map((status) =>
      record({ provider_message_id, status, dedupe_key: 'own' }),
    );
    const stored = new Set((await Promise.all(statuses)).map(({ status }) => status));
    expect(stored.size).to.equal(1);
    expect((await timelineOf(service, actor.id)).receipts).to.have.length(1);
  });

  it('proves that a message was accepted, so that a manual retry gets a new delivery key', async () => {
    const [refused, accepted] = await Promise.all([1, 2].map(() => stage.place('sending', 'rejected')));
    const actors = [refused, accepted] as [Actor, Actor];
    const keys = await Promise.all(actors.map(echoOf));
    await record({ echo: keys[1] as (typeof keys)[0], status: 'failed' });
    await stage.cause('rejected', actors);
    expect(await stage.statesOf(actors)).to.deep.equal(['failed', 'failed']);
    await stage.cause('retry', actors);
    const after = await Promise.all(actors.map(echoOf));
    expect(after.map(({ deliveryKey }, index) => deliveryKey === keys[index]?.deliveryKey)).to.deep.equal([
      true,
      false,
    ]);
  });
});
