import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';
import { inboundSms, sms } from '../helpers/bodies.ts';
import { createDatabase, query } from '../helpers/database.ts';
import { type Harness, startHarness } from '../helpers/harness.ts';
import { until } from '../helpers/until.ts';

describe('Operating the service', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('says that it is alive and ready', async () => {
    expect((await service.request('GET', '/healthz')).body).to.deep.equal({ status: 'ok' });
    expect((await service.request('GET', '/readyz')).body).to.deep.equal({ status: 'ok' });
  });

  it('serves its contract as it stands in the repository', async () => {
    const source = readFileSync('openapi.yaml', 'utf8');
    expect((await service.request('GET', '/openapi.yaml')).body).to.equal(source);
    expect((await service.request('GET', '/openapi.json')).body).to.deep.equal(parse(source));
  });

  it('counts what it does', async () => {
    await service.request('POST', '/api/webhooks/sms', inboundSms);
    const { body } = await service.request('POST', '/api/messages/sms', sms);
    await service.untilStatus(body.id, 'delivered');
    const metrics = (await service.request('GET', '/metrics')).body;
    expect(metrics).to.match(/^messages_recorded_total{direction="inbound",type="sms"} 1$/m);
    expect(metrics).to.match(/^delivery_attempt_seconds_count{provider="text-co",outcome="accepted"} 1$/m);
    expect(metrics).to.match(/^delivery_receipts_total{provider="text-co",status="delivered"} 1$/m);
  });

  it('says that it is not ready while migrations are missing', async () => {
    const other = await startHarness();
    await query(other.databaseUrl, 'delete from knex_migrations');
    const { status, headers, body } = await other.request('GET', '/readyz');
    expect(status).to.equal(503);
    expect(headers.get('retry-after')).to.match(/^\d+$/);
    expect(body.code).to.equal('unavailable');
    await other.stop();
  });

  it('answers 503 while its database is away, and goes on when it is back', async () => {
    const databaseUrl = await createDatabase();
    const other = await startHarness({ DATABASE_URL: databaseUrl });
    const name = new URL(databaseUrl).pathname.slice(1);
    const admin = Object.assign(new URL(databaseUrl), { pathname: '/postgres' }).href;
    await query(admin, `alter database ${name} with allow_connections false`);
    await query(admin, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    for (const [method, path, body] of [
      ['POST', '/api/messages/sms', sms],
      ['POST', '/api/webhooks/sms', inboundSms],
      ['POST', '/api/webhooks/sms/status', { messaging_provider_id: 'x', status: 'sent' }],
      ['GET', '/api/conversations'],
      ['GET', '/api/messages/1'],
      ['GET', '/readyz'],
    ] as const) {
      const { status, headers } = await other.request(method, path, body);
      expect(status, path).to.equal(503);
      expect(headers.get('retry-after'), path).to.match(/^\d+$/);
    }
    expect((await other.request('GET', '/healthz')).status).to.equal(200);
    await query(admin, `alter database ${name} with allow_connections true`);
    await until(async () => (await other.request('GET', '/readyz')).status === 200, 'ready again');
    const { status, body } = await other.request('POST', '/api/messages/sms', sms);
    expect(status).to.equal(202);
    await other.untilStatus(body.id, 'delivered');
    await other.stop();
  });
});
