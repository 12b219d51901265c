import { expect } from 'chai';
import pg from 'pg';
import { query } from '../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { deliverMime, mail, mimeEnvironment } from '../support/mime.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody, store } from '../support/webhooks.ts';
import { untilRestarted, workerOf } from '../support/worker-process.ts';

const SECRETS = { TEXT_CO_WEBHOOK_SECRETS: webhookSecret };

describe('A webhook', () => {
  let service: Harness;
  afterEach(() => service?.stop());

  it('gets 503 while the database is unavailable, and succeeds afterwards', async () => {
    service = await startHarness({ ...SECRETS, ...mimeEnvironment });
    const name = new URL(service.databaseUrl).pathname.slice(1);
    const admin = Object.assign(new URL(service.databaseUrl), { pathname: '/postgres' }).href;
    await query(admin, `alter database ${name} with allow_connections false`);
    await query(admin, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    for (const body of [inboundBody('down-1'), '{"unknown": "form"}']) {
      const { status, body: problem, headers } = await deliver(service, body);
      expect([status, problem.code, headers.get('retry-after')]).to.deep.equal([503, 'unavailable', '1']);
    }
    // The second is too large for a row.
    const emails = ['Hello', 'x'.repeat(2_000_000)].map((text) => mail({ Subject: 'Down' }, text));
    for (const email of emails) {
      const { status, body } = await deliverMime(service, email);
      expect([status, body.code]).to.deep.equal([503, 'unavailable']);
    }
    await query(admin, `alter database ${name} with allow_connections true`);
    for (const body of [inboundBody('down-1'), '{"unknown": "form"}'])
      await until(async () => (await deliver(service, body)).status === 200, 'the webhook is accepted');
    expect((await query(service.databaseUrl, 'select from messages')).length).to.equal(1);
    for (const email of emails)
      await until(async () => (await deliverMime(service, email)).status === 200, 'the email is accepted');
    await until(
      async () =>
        (await query(service.databaseUrl, "select from messages where subject = 'Down'")).length === 2,
      'the emails are recorded',
    );
    const [entry] = (await service.request('GET', '/api/quarantine')).body.data;
    expect(entry).to.include({ reason: 'unknown_shape' });
  });

  it('is processed by the next worker process after the first was killed during its attempt', async () => {
    service = await startHarness(SECRETS, undefined, true);
    const { databaseUrl } = service;
    const first = await until(() => workerOf(process.pid), 'the worker process runs');
    const blocker = new pg.Client({ connectionString: databaseUrl });
    await blocker.connect();
    try {
      await blocker.query('begin; lock table messages in access exclusive mode');
      const id = await store(databaseUrl, inboundBody('killed-1'), { state: 'pending', attempts: 0 });
      const state = async () =>
        (
          await query<{ leased: boolean; attempts: number }>(
            databaseUrl,
            'select leased, attempts from webhook_inbox where id = $1',
            [id],
          )
        )[0];
      await until(async () => (await state())?.leased, 'the worker processes the webhook');
      process.kill(first, 'SIGKILL');
      await untilRestarted(process.pid, first);
      await blocker.query('rollback');
      expect(await state()).to.deep.equal({ leased: true, attempts: 1 });
      // The end of the lease.
      await query(databaseUrl, 'update webhook_inbox set next_attempt_at = now() where id = $1', [id]);
      await until(async () => (await state()) === undefined, 'the webhook is processed');
      const messages = await query(databaseUrl, 'select from messages');
      expect(messages).to.have.length(1);
    } finally {
      await blocker.end();
    }
  });
});
