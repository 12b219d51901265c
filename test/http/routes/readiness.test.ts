import { expect } from 'chai';
import pg from 'pg';
import type { Schema } from '../../../src/openapi/types.ts';
import { THRESHOLD } from '../../../src/outbox/circuit-breaker.ts';
import { email, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

type Readiness = Schema<'Readiness'>;

const SPARE = { SPARE_CO_URL: 'http://127.0.0.1:9', SPARE_CO_KEY: 'key' };

describe('GET /readyz?verbose', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness({ SMS_PROVIDERS: 'text-co,spare-co', ...SPARE });
  });
  afterEach(() => service.stop());

  const report = async (of = service): Promise<Readiness> =>
    (await of.request('GET', '/readyz?verbose')).body;
  const account = async (name: string, of = service) => {
    const { channels = [] } = await report(of);
    return channels.flatMap(({ accounts }) => accounts).find((each) => each.name === name);
  };
  const channel = async (name: string, of = service) =>
    (await report(of)).channels?.find((each) => each.channel === name);
  const faults = (...list: object[]) => service.control('PUT', '/_control/faults', list);
  let recipients = 0;
  const send = async (of = service): Promise<number> => {
    const message = { ...sms, to: `+1804555${1_000 + recipients++}` };
    return (await of.request('POST', '/api/messages/sms', message)).body.id;
  };

  it('reports every check, and every account in the order of failover', async () => {
    const { status, checks, channels = [] } = await report();
    expect({ status, checks }).to.deep.equal({ status: 'ok', checks: { database: 'ok', migrations: 'ok' } });
    expect(
      channels.map(({ channel, accounts }) => [channel, accounts.map(({ name }) => name)]),
    ).to.deep.equal([
      ['sms', ['text-co', 'spare-co']],
      ['email', ['mail-co']],
    ]);
    expect(channels[1]).to.deep.include({ queued: 0, oldest_queued_at: null });
    const [mail] = channels[1]?.accounts ?? [];
    expect(mail).to.include({ breaker: 'closed', last_error: null, assigned: 0 });
    expect(mail?.since).to.match(/Z$/);
  });

  it('is the same for ?verbose, ?verbose= and ?verbose=true, and absent for ?verbose=false', async () => {
    for (const query of ['verbose', 'verbose=', 'verbose=true'])
      expect((await service.request('GET', `/readyz?${query}`)).body, query).to.have.keys(
        'status',
        'checks',
        'channels',
      );
    for (const path of ['/readyz', '/readyz?verbose=false'])
      expect((await service.request('GET', path)).body, path).to.deep.equal({ status: 'ok' });
    const { status, body } = await service.request('GET', '/readyz?verbose=maybe');
    expect([status, body.errors[0].path]).to.deep.equal([422, '/query/verbose']);
  });

  it('reports the last error of an account that refuses every call, and the time at which its breaker opened', async () => {
    await faults({ channel: 'email', type: 'status', status: 404 });
    const started = await account('mail-co');
    for (let n = 0; n < THRESHOLD; n++)
      await service.request('POST', '/api/messages/email', { ...email, to: [`p${n}@x.org`] });
    const refused = await until(async () => {
      const found = await account('mail-co');
      return found?.breaker === 'open' && found;
    }, 'the breaker is open');
    expect(refused.last_error).to.include({
      code: 'simulated_404',
      detail: 'A simulated failure',
      http_status: 404,
    });
    expect(Date.parse(refused.since ?? '')).to.be.greaterThan(Date.parse(started?.since ?? ''));
    expect(Date.parse(refused.last_error?.at ?? '')).to.be.least(Date.parse(refused.since ?? '') - 1_000);
    const waiting = await until(async () => {
      const found = await channel('email');
      return found?.queued === THRESHOLD && found;
    }, 'all messages are queued');
    const list = (await service.request('GET', '/api/messages?type=email')).body.data;
    const created = list.map((message: { created_at: string }) => message.created_at).toSorted();
    expect(waiting.oldest_queued_at).to.equal(created[0]);
    expect((await channel('sms'))?.queued).to.equal(0);
    await faults();
    await until(async () => {
      const found = await account('mail-co');
      return found?.breaker === 'closed' && found.since !== started?.since;
    }, 'the breaker is closed again');
  });

  it('reports the error of the account that failed, not of the account that took over', async () => {
    await faults({ channel: 'sms', type: 'status', status: 401, times: 1 });
    const id = await send();
    await until(async () => (await account('spare-co'))?.last_error, 'the spare account failed');
    expect((await account('text-co'))?.last_error).to.include({ code: 'simulated_401', http_status: 401 });
    expect((await account('spare-co'))?.last_error).to.include({ code: 'econnrefused', http_status: null });
    await service.untilStatus(id, 'delivered');
  });

  it('counts the messages that only one account may send', async () => {
    await faults({ channel: 'sms', type: 'lost_response' });
    const id = await send();
    const postpone = `
      update deliveries set next_attempt_at = now() + interval '1 hour'
      where message_id = $1 and status = 'queued' and may_have_been_sent returning message_id`;
    await until(
      async () => (await query(service.databaseUrl, postpone, [id])).length === 1,
      'the message may have been sent',
    );
    const found = await account('text-co');
    expect(found?.last_error?.code).to.equal('econnreset');
    expect(found?.assigned).to.equal(1);
    expect((await account('spare-co'))?.assigned).to.equal(0);
  });

  for (const role of ['api', 'worker'] as const)
    it(`reports the errors of waiting messages in a process that made no call itself: ROLE=${role}`, async () => {
      await faults({ channel: 'email', type: 'status', status: 503, retry_after: 60 });
      await service.request('POST', '/api/messages/email', email);
      await until(async () => (await account('mail-co'))?.last_error, 'the worker reports the error');
      await until(async () => (await channel('email'))?.queued === 1, 'the attempt is settled');
      await service.service.stop();
      const other = await startHarness({ ROLE: role, DATABASE_URL: service.databaseUrl });
      const found = await account('mail-co', other);
      expect(found?.breaker).to.equal(role === 'api' ? null : 'closed');
      expect(found?.last_error).to.include({ code: 'simulated_503', http_status: 503 });
      expect(found?.last_error?.at).to.match(/Z$/);
      expect((await channel('email', other))?.queued).to.equal(1);
      await other.stop();
    });

  it('uses one read connection for all concurrent requests, and no connection for writes', async () => {
    const api = await startHarness({ ROLE: 'api', DATABASE_POOL_SIZE: '2' });
    const other = new pg.Client({ connectionString: api.databaseUrl });
    await using stack = new AsyncDisposableStack();
    stack.defer(api.stop);
    stack.defer(() => other.end());
    await other.connect();
    await other.query('begin; lock table delivery_attempts in access exclusive mode');
    let statements = 0;
    api.service.database.knex.on('query', ({ sql }) => {
      if (/from unnest.*delivery_attempts/s.test(sql)) statements++;
    });
    const requests = Array.from({ length: 20 }, () => api.request('GET', '/readyz?verbose'));
    await until(() => statements > 0, 'the report waits for the lock');
    expect((await api.request('POST', '/api/messages/sms', sms)).status).to.equal(202);
    await other.query('rollback');
    for (const { status } of await Promise.all(requests)) expect(status).to.equal(200);
    expect(statements).to.be.below(requests.length);
  });
});
