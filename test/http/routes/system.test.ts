import { expect } from 'chai';
import { request } from 'undici';
import { parse } from 'yaml';
import { openApiDocument } from '../../../src/openapi/document.ts';
import { email, inboundSms, sms } from '../../support/bodies.ts';
import { createDatabase, query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

describe('The system operations', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('report that the service is alive and ready', async () => {
    expect((await service.request('GET', '/healthz')).body).to.deep.equal({ status: 'ok' });
    expect((await service.request('GET', '/readyz')).body).to.deep.equal({ status: 'ok' });
  });

  it('serve the contract with samples and the URL of the request, as JSON and as YAML', async () => {
    const { servers, paths } = (await service.request('GET', '/openapi.json')).body;
    const source = openApiDocument();
    expect(servers.map(({ url }: { url: string }) => url)).to.deep.equal([service.url]);
    expect(Object.keys(paths)).to.deep.equal(Object.keys(source.paths));
    expect(paths['/api/messages/send'].post['x-codeSamples'][0].source).to.contain(
      `curl ${service.url}/api/messages/send`,
    );
    const yaml = (await service.request('GET', '/openapi.yaml')).body;
    expect(parse(yaml)).to.deep.equal((await service.request('GET', '/openapi.json')).body);
  });

  it('name the URL that a proxy forwards, and no invalid host', async () => {
    const open = await startHarness({ API_KEYS: 'first:correct-horse-battery' });
    const serverFor = async (headers: Record<string, string>) => {
      const { body } = await request(`${open.url}/openapi.json`, { headers });
      return ((await body.json()) as { servers: { url: string }[] }).servers[0]?.url;
    };
    const forwarded = { host: 'messaging.example', 'x-forwarded-proto': 'https' };
    expect(await serverFor(forwarded)).to.equal('https://messaging.example');
    expect(await serverFor({ host: 'messaging.example/"path' })).to.equal('http://127.0.0.1:8080');
    await open.stop();
  });

  it('count messages and webhooks in metrics', async () => {
    await service.request('POST', '/api/webhooks/sms', inboundSms);
    const { body } = await service.request('POST', '/api/messages/sms', sms);
    await service.untilStatus(body.id, 'delivered');
    const metrics = (await service.request('GET', '/metrics')).body;
    expect(metrics).to.match(/^messaging_messages_recorded_total{direction="inbound",type="sms"} 1$/m);
    expect(metrics).to.match(
      /^messaging_delivery_attempt_seconds_count{provider="text-co",outcome="accepted"} 1$/m,
    );
    expect(metrics).to.match(/^messaging_delivery_receipts_total{provider="text-co",status="delivered"} 1$/m);
  });

  it('report the length and age of the queue and the duration of deliveries', async () => {
    const api = await startHarness({ ROLE: 'api' });
    const queue = async () => (await api.request('GET', '/metrics')).body;
    expect(await queue()).to.match(/^messaging_queue_messages{channel="sms",status="queued"} 0$/m);
    await api.request('POST', '/api/messages/sms', sms);
    await api.request('POST', '/api/messages/email', { ...email, send_at: '2999-01-01T00:00:00Z' });
    // The result of a measurement is reused for some seconds.
    const waiting = await until(async () => {
      const metrics = await queue();
      return /^messaging_queue_messages{channel="sms",status="queued"} 1$/m.test(metrics) && metrics;
    }, 'the queue is measured again');
    expect(waiting).to.match(/^messaging_queue_messages{channel="email",status="queued"} 0$/m);
    expect(
      Number(/^messaging_queue_oldest_seconds{channel="sms",status="queued"} (.+)$/m.exec(waiting)?.[1]),
    ).to.be.within(0, 60);
    const worker = await startHarness({ ROLE: 'worker', DATABASE_URL: api.databaseUrl });
    await until(
      async () =>
        /^messaging_message_time_to_sent_seconds_count{channel="sms"} 1$/m.test(
          (await worker.request('GET', '/metrics')).body,
        ),
      'the worker has sent the message',
    );
    await worker.stop();
    await api.stop();
  });

  it('are the only operations of a worker', async () => {
    const worker = await startHarness({ ROLE: 'worker' });
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await worker.request('GET', path)).status, path).to.equal(200);
    for (const [method, path] of [
      ['GET', '/api/messages'],
      ['POST', '/api/webhooks/sms'],
    ] as const) {
      const { status, body } = await worker.request(method, path, method === 'POST' ? inboundSms : undefined);
      expect([status, body.code], path).to.deep.equal([404, 'not_found']);
    }
    await worker.stop();
  });

  it('report that the service is not ready while migrations are missing', async () => {
    const other = await startHarness();
    await query(other.databaseUrl, 'delete from knex_migrations');
    const { status, headers, body } = await other.request('GET', '/readyz');
    expect(status).to.equal(503);
    expect(headers.get('retry-after')).to.match(/^\d+$/);
    expect(body.code).to.equal('unavailable');
    await other.stop();
  });

  it('answer 503 while the database is unavailable, and 200 when it is available again', async () => {
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
      ['POST', '/api/messages/1/cancel'],
      ['POST', '/api/messages/1/retry'],
      ['GET', '/readyz'],
    ] as const) {
      const { status, headers } = await other.request(method, path, body);
      expect(status, path).to.equal(503);
      expect(headers.get('retry-after'), path).to.match(/^\d+$/);
    }
    expect((await other.request('GET', '/healthz')).status).to.equal(200);
    const metrics = await other.request('GET', '/metrics');
    expect(metrics.status).to.equal(200);
    expect(metrics.body).not.to.match(/^messaging_queue_messages{/m);
    await query(admin, `alter database ${name} with allow_connections true`);
    await until(
      async () => (await other.request('GET', '/readyz')).status === 200,
      'the service is ready again',
    );
    const { status, body } = await other.request('POST', '/api/messages/sms', sms);
    expect(status).to.equal(202);
    await other.untilStatus(body.id, 'delivered');
    await other.stop();
  });
});
