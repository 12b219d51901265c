import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import { until } from '../support/until.ts';

const CODES = 150;

describe('The labels of the metrics', function () {
  this.timeout(60_000);
  let provider: ProviderServer;
  let service: Harness;
  before(async () => {
    let calls = 0;
    provider = await startProviderServer((request, response) => {
      request.resume();
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { code: `code_${calls++}`, message: 'No' } }));
    });
    service = await startHarness({ TEXT_CO_URL: provider.url });
  });
  after(async () => {
    await service.stop();
    await provider.stop();
  });

  /** The series of a metric, without their values. */
  const series = async (metric: string) => {
    const { body } = await service.request('GET', '/metrics');
    const lines = (body as string).split('\n').filter((line) => line.startsWith(`${metric}{`));
    return lines.map((line) => ({
      labels: line.slice(metric.length, line.indexOf('} ') + 1),
      value: Number(line.slice(line.indexOf('} ') + 2)),
    }));
  };
  const all = (work: (n: number) => Promise<unknown>) =>
    Promise.all(
      Array.from({ length: 20 }, async (_, first) => {
        for (let n = first; n < CODES; n += 20) await work(n);
      }),
    );

  it(`are from a closed set if a provider answers ${CODES} different codes`, async () => {
    await all((n) =>
      service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${String(n).padStart(4, '0')}` }),
    );
    const givenUp = await until(async () => {
      const found = await series('messaging_messages_given_up_total');
      return found.reduce((sum, { value }) => sum + value, 0) === CODES && found;
    }, 'all messages have failed');
    expect(givenUp.map(({ labels }) => labels)).to.deep.equal([
      '{channel="sms",status="failed",class="provider_error"}',
    ]);
    const { data } = await service.client.messages.list({ status: 'failed', limit: 100 });
    expect(new Set(data.map(({ error }) => error?.code)).size).to.equal(100);
  });

  it(`are from a closed set if a provider reports ${CODES} different statuses`, async () => {
    await all(async (n) => {
      const receipt = { messaging_provider_id: `id-${n}`, status: `status_${n}` };
      const { status } = await service.request('POST', '/api/webhooks/sms/status', receipt);
      expect(status).to.equal(200);
    });
    expect(await series('messaging_delivery_receipts_total')).to.deep.equal([
      { labels: '{provider="text-co",status="other"}', value: CODES },
    ]);
  });

  it('do not contain paths, methods or names of requests', async () => {
    const requests = async () => {
      for (let n = 0; n < 50; n++) {
        await service.request('GET', `/nothing/${n}`);
        await service.request('GET', `/api/messages/999${n}`);
        await service.request('PROPFIND', `/api/messages/${n}`);
        await service.request('POST', `/api/webhooks/account-${n}`, {});
        await service.request('POST', `/api/webhooks/sms?provider=name-${n}`, { n });
      }
    };
    const count = async () =>
      ((await service.request('GET', '/metrics')).body as string).split('\n').filter((line) => line !== '')
        .length;
    await requests();
    const before = await count();
    await requests();
    expect((await count()) - before).to.be.at.most(10);
    const measured = await series('messaging_http_request_seconds_count');
    const labels = measured.map((found) => found.labels);
    expect(labels).to.include('{method="GET",route="other",status="404"}');
    expect(labels).to.include('{method="GET",route="/api/messages/{id}",status="404"}');
    expect(labels).to.include('{method="other",route="other",status="405"}');
    expect(labels.join()).not.to.match(/nothing|999|PROPFIND|account-|name-/);
  });
});
