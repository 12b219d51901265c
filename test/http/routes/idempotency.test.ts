import { mock } from 'node:test';
import { expect } from 'chai';
import { email, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const KEYS = {
  shop: 'the-key-of-the-shop',
  'new-shop': 'the-new-key-of-the-shop',
  crm: 'the-key-of-the-crm',
};
const HOUR_MS = 3_600_000;
const SCHEDULED = { ...sms, send_at: '2099-01-01T00:00:00Z' };

describe('An Idempotency-Key', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      API_KEYS: `shop:${KEYS.shop},shop:${KEYS['new-shop']},crm:${KEYS.crm}`,
    });
  });
  after(() => service.stop());

  const post = (path: string, body: object | undefined, key: string, caller: keyof typeof KEYS = 'shop') =>
    service.request('POST', `/api/messages/${path}`, body, {
      'idempotency-key': key,
      authorization: `Bearer ${KEYS[caller]}`,
    });
  const get = (path: string) =>
    service.request('GET', `/api/messages/${path}`, undefined, { authorization: `Bearer ${KEYS.shop}` });
  const isReplayed = ({ headers }: { headers: Headers }) => headers.get('idempotent-replayed') === 'true';
  const expectReused = ({ status, body }: { status: number; body: { code: string } }) =>
    expect([status, body.code]).to.deep.equal([422, 'idempotency_key_reused']);

  it('of a send is refused on a cancel and a retry, and vice versa', async () => {
    const { body } = await post('sms', SCHEDULED, 'one-space');
    expectReused(await post(`${body.id}/cancel`, undefined, 'one-space'));
    expectReused(await post(`${body.id}/retry`, undefined, 'one-space'));
    expect((await post(`${body.id}/cancel`, undefined, 'of-cancel')).status).to.equal(200);
    expectReused(await post('sms', SCHEDULED, 'of-cancel'));
    expectReused(await post('email', email, 'one-space'));
  });

  it('is separate for each name of an API key, and the same for a rotated key', async () => {
    const first = await post('sms', sms, 'shared');
    const rotated = await post('sms', sms, 'shared', 'new-shop');
    const other = await post('sms', { ...sms, body: 'Another text' }, 'shared', 'crm');
    expect([first, rotated, other].map(({ status }) => status)).to.deep.equal([202, 202, 202]);
    expect(rotated.body.id).to.equal(first.body.id);
    expect([first, rotated, other].map(isReplayed)).to.deep.equal([false, true, false]);
  });

  it('of a request that was refused can be used again', async () => {
    const { body } = await post('sms', SCHEDULED, 'to-cancel');
    expect((await post(`${body.id}/retry`, undefined, 'refused')).status).to.equal(409);
    const canceled = await post(`${body.id}/cancel`, undefined, 'refused');
    expect([canceled.status, isReplayed(canceled)]).to.deep.equal([200, false]);
  });

  for (const [status, clockMs] of [
    ['scheduled', 2 * HOUR_MS],
    ['queued', -2 * HOUR_MS],
  ] as const)
    it(`returns the first status, by the clock of the database: ${status}`, async () => {
      const sendAt = new Date(Date.now() + clockMs / 2);
      const request = { ...sms, to: '+18045558001', send_at: sendAt.toISOString() };
      mock.timers.enable({ apis: ['Date'], now: Date.now() + clockMs });
      try {
        const first = (await post('sms', request, `clock-${status}`)).body;
        expect(first).to.include({ status, next_attempt_at: status === 'queued' ? null : first.send_at });
        const repeat = await post('sms', request, `clock-${status}`);
        expect([isReplayed(repeat), repeat.body]).to.deep.equal([true, first]);
        const entries: { type: string; status?: string }[] = (await get(`${first.id}/timeline`)).body.data;
        expect(entries.find(({ type }) => type === 'status')).to.include({ status });
      } finally {
        mock.timers.reset();
      }
    });

  it('returns the first expires_at after retries of an expired message', async () => {
    const request = { ...sms, to: '+18045558002', expires_at: '2024-01-01T00:00:00Z' };
    const first = (await post('sms', request, 'expired')).body;
    for (const retry of ['retry-1', 'retry-2']) {
      await query(
        service.databaseUrl,
        `update deliveries set status = 'failed', next_attempt_at = null where message_id = $1`,
        [first.id],
      );
      expect((await post(`${first.id}/retry`, undefined, retry)).status).to.equal(202);
    }
    const now = (await get(`${first.id}`)).body.expires_at;
    expect(Date.parse(now)).to.be.greaterThan(Date.parse(first.expires_at));
    expect((await post('sms', request, 'expired')).body).to.deep.equal(first);
  });

  it('has one effect when a send and a cancel use it at once', async () => {
    const { body } = await post('sms', SCHEDULED, 'race-target');
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => post('sms', SCHEDULED, 'race')),
      ...Array.from({ length: 5 }, () => post(`${body.id}/cancel`, undefined, 'race')),
    ]);
    const succeeded = answers.filter(({ status }) => status < 300);
    expect(succeeded).to.have.length(5);
    expect(new Set(succeeded.map((answer) => answer.status)).size).to.equal(1);
    expect(answers.filter(({ status }) => status === 422)).to.have.length(5);
  });

  it('is deleted after 30 days', async () => {
    for (const key of ['29-days', '31-days']) await post('sms', SCHEDULED, key);
    const age = (key: string) =>
      query(
        service.databaseUrl,
        `update idempotency_keys set created_at = now() - $1::interval where key = $2`,
        [key.replace('-', ' '), key],
      );
    for (const key of ['29-days', '31-days']) await age(key);
    const again = await startHarness({ DATABASE_URL: service.databaseUrl, ROLE: 'worker' });
    const keys = async () =>
      (await query(service.databaseUrl, `select key from idempotency_keys where key like '%-days'`)).map(
        ({ key }) => key,
      );
    await until(async () => (await keys()).length === 1, 'the old key is deleted');
    expect(await keys()).to.deep.equal(['29-days']);
    await again.stop();
  });

  it('is deleted after 30 days even if a worker finds 50,000 old keys', async () => {
    const { body } = await post('sms', SCHEDULED, 'recent');
    await query(
      service.databaseUrl,
      `insert into idempotency_keys (api_key_name, key, operation, message_id, created_at)
       select '', 'old-' || n, 'cancel', $1, now() - interval '31 days' from generate_series(1, 50000) as n`,
      [body.id],
    );
    const again = await startHarness({ DATABASE_URL: service.databaseUrl, ROLE: 'worker' });
    await until(
      async () =>
        (await query(service.databaseUrl, `select from idempotency_keys where key like 'old-%' limit 1`))
          .length === 0,
      'the old keys are deleted',
    );
    expect(
      await query(service.databaseUrl, `select from idempotency_keys where key = 'recent'`),
    ).to.have.length(1);
    await again.stop();
  });
});
