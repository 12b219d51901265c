import { expect } from 'chai';
import { query } from '../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { inboundForm, sendCallback, sidOf, statusForm, twilioEnvironment } from '../support/twilio.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody, refuseBody, store } from '../support/webhooks.ts';

describe('The worker of the webhook inbox', () => {
  const log = keepLog('info');
  let service: Harness;
  let databaseUrl: string;
  before(async () => {
    const twilio = { ...twilioEnvironment('http://127.0.0.1:9'), SMS_PROVIDERS: 'text-co,twilio' };
    service = await startHarness({ ...twilio, TEXT_CO_WEBHOOK_SECRETS: webhookSecret }, log.logger);
    ({ databaseUrl } = service);
  });
  after(() => service.stop());

  const stored = async () => (await service.request('GET', '/api/quarantine?limit=200')).body.data;
  const find = async (id: number) => (await service.request('GET', `/api/quarantine/${id}`)).body;
  const count = async (table: string, condition: string) =>
    (await query(databaseUrl, `select from ${table} where ${condition}`)).length;
  const untilProcessed = (id: number) =>
    until(
      async () => (await service.request('GET', `/api/quarantine/${id}`)).status === 404,
      'the webhook is processed',
    );
  /** Makes the next attempt due, as after its delay. */
  const makeDue = (id: number) =>
    query(databaseUrl, 'update webhook_inbox set next_attempt_at = now() where id = $1', [id]);

  it('processes a webhook that a bug has prevented, after the bug is gone', async () => {
    const repair = await refuseBody(databaseUrl, 'worker bug');
    try {
      const { status } = await deliver(service, inboundBody('bug-1', { body: 'worker bug' }));
      expect(status).to.equal(200);
      const [{ id, state, reason, detail }] = await stored();
      expect([state, reason]).to.deep.equal(['pending', 'internal_error']);
      expect(detail).to.include('violates check constraint "bug"');
      await until(async () => (await find(id)).attempts >= 1, 'the worker has tried');
      await repair();
      await makeDue(id);
      await untilProcessed(id);
      expect(await count('messages', "provider_message_id = 'bug-1'")).to.equal(1);
    } finally {
      await repair().catch(() => undefined);
    }
  });

  it('processes a webhook that a missing stored function has prevented, after its repair', async () => {
    const [row] = await query<{ name: string }>(
      databaseUrl,
      `select oid::regprocedure::text as name from pg_proc where proname = 'store_receipts'`,
    );
    await query(databaseUrl, `drop function ${row?.name}`);
    const event = JSON.stringify({ messaging_provider_id: 'function-1', status: 'delivered' });
    expect((await deliver(service, event)).status).to.equal(200);
    const [{ id }] = await stored();
    await until(async () => {
      await makeDue(id);
      return (await service.request('GET', `/api/quarantine/${id}`)).status === 404;
    }, 'the webhook is processed');
    expect(await count('delivery_receipts', "provider_message_id = 'function-1'")).to.equal(1);
  });

  it('commits the effects of a webhook that succeed, and later all of them', async () => {
    await query(databaseUrl, `alter table opt_outs add constraint bug check (action <> 'stop')`);
    const addresses = { From: '+12016661234', To: '+18045551234' };
    const form = statusForm(sidOf(201), 'failed', { ...addresses, ErrorCode: '21610' });
    expect((await sendCallback(service.url, { form })).status).to.equal(200);
    const [{ id }] = await stored();
    expect(await count('delivery_receipts', `provider_message_id = '${sidOf(201)}'`)).to.equal(1);
    expect(await count('opt_outs', 'true')).to.equal(0);
    await query(databaseUrl, 'alter table opt_outs drop constraint bug');
    await makeDue(id);
    await untilProcessed(id);
    expect(await count('delivery_receipts', `provider_message_id = '${sidOf(201)}'`)).to.equal(1);
    expect(await count('opt_outs', "action = 'stop'")).to.equal(1);
  });

  it('commits a message and the request of its recipient together', async () => {
    await query(databaseUrl, 'alter table opt_outs add constraint bug check (account is null) not valid');
    const form = inboundForm({ MessageSid: sidOf(202), From: '+18045550202', Body: 'STOP' });
    expect((await sendCallback(service.url, { form })).status).to.equal(200);
    const [{ id }] = await stored();
    expect(await count('messages', `provider_message_id = '${sidOf(202)}'`)).to.equal(0);
    await query(databaseUrl, 'alter table opt_outs drop constraint bug');
    await makeDue(id);
    await untilProcessed(id);
    expect(await count('messages', `provider_message_id = '${sidOf(202)}'`)).to.equal(1);
    expect(await count('suppressions', "address = '+18045550202'")).to.equal(1);
  });

  it('quarantines a webhook after ten attempts, and then leaves it', async () => {
    const repair = await refuseBody(databaseUrl, 'last bug');
    try {
      const body = inboundBody('last', { body: 'last bug' });
      const id = await store(databaseUrl, body, { state: 'pending', attempts: 9 });
      await until(async () => (await find(id)).state === 'quarantined', 'the webhook is quarantined');
      expect(await find(id)).to.include({ attempts: 10, reason: 'internal_error', next_attempt_at: null });
      expect(log.of('webhook quarantined').at(-1)).to.include({ id, reason: 'internal_error' });
      await repair();
      await query(databaseUrl, 'notify webhooks_due');
      const next = await store(databaseUrl, inboundBody('after-last'), { state: 'pending' });
      await untilProcessed(next);
      expect((await find(id)).attempts).to.equal(10);
    } finally {
      await repair().catch(() => undefined);
    }
  });

  it('quarantines a webhook whose ten attempts have killed the worker', async () => {
    const id = await store(databaseUrl, inboundBody('poison'), { state: 'pending', attempts: 10 });
    await until(async () => (await find(id)).state === 'quarantined', 'the webhook is quarantined');
    expect((await find(id)).reason).to.equal('worker_lost');
    expect(await count('messages', "provider_message_id = 'poison'")).to.equal(0);
  });

  it('quarantines a pending webhook of unknown form at once', async () => {
    const id = await store(databaseUrl, '{"pending": "nonsense"}', { state: 'pending', attempts: 0 });
    await until(async () => (await find(id)).state === 'quarantined', 'the webhook is quarantined');
    expect(await find(id)).to.include({ reason: 'unknown_shape', attempts: 1 });
  });

  it('shares the inbox with other workers, which process each webhook once', async () => {
    const others = await Promise.all(
      [1, 2].map(() =>
        startHarness({ ROLE: 'worker', DATABASE_URL: databaseUrl, TEXT_CO_WEBHOOK_SECRETS: webhookSecret }),
      ),
    );
    try {
      await query(databaseUrl, 'create table attempted (id bigint)');
      await query(
        databaseUrl,
        `create function note() returns trigger language plpgsql as $$
         begin if new.attempts > old.attempts then insert into attempted values (new.id); end if; return new; end $$`,
      );
      await query(
        databaseUrl,
        'create trigger note before update on webhook_inbox for each row execute function note()',
      );
      const ids: number[] = [];
      for (let n = 0; n < 40; n++)
        ids.push(await store(databaseUrl, inboundBody(`shared-${n}`), { state: 'pending' }));
      for (const id of ids) await untilProcessed(id);
      expect(await count('messages', "provider_message_id like 'shared-%'")).to.equal(40);
      expect(await count('attempted', 'true')).to.equal(40);
    } finally {
      await query(databaseUrl, 'drop trigger if exists note on webhook_inbox');
      for (const other of others) await other.stop();
    }
  });

  it('processes each webhook once while the same webhooks are replayed', async () => {
    const ids: number[] = [];
    const answers = [];
    for (let n = 0; n < 15; n++) {
      const id = await store(databaseUrl, inboundBody(`both-${n}`), { state: 'pending' });
      ids.push(id);
      const replay = () => service.request('POST', `/api/quarantine/${id}/replay`);
      answers.push(...(await Promise.all([replay(), replay(), replay()])));
    }
    for (const { status } of answers) expect(status).to.be.oneOf([200, 404, 409]);
    for (const id of ids) await untilProcessed(id);
    expect(await count('messages', "provider_message_id like 'both-%'")).to.equal(15);
  });

  it('is measured by account and state, with the age of the oldest webhook', async () => {
    await store(databaseUrl, '{"old": true}', { account: 'former' });
    const measured = await until(async () => {
      const text = (await service.request('GET', '/metrics')).body;
      return (
        /messaging_webhook_inbox_webhooks{account="\(removed\)",state="quarantined"} 1/.test(text) && text
      );
    }, 'the inbox is measured');
    for (const account of ['text-co', 'twilio', 'mail-co', '\\(removed\\)'])
      for (const state of ['pending', 'quarantined'])
        expect(measured).to.match(
          new RegExp(`messaging_webhook_inbox_oldest_seconds{account="${account}",state="${state}"} `),
        );
    expect(measured).to.match(
      /messaging_webhook_inbox_attempts_total{account="text-co",result="processed"} \d+/,
    );
    expect(measured).to.match(/messaging_webhooks_kept_total{account="text-co",state="pending"} \d+/);
    expect(measured).not.to.include('account="former"');
  });
});
