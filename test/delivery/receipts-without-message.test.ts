import { expect } from 'chai';
import pg from 'pg';
import { createUnmatchedReport } from '../../src/delivery/maintenance/receipts-without-message.ts';
import { createEvents } from '../../src/observability/events.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { until } from '../support/until.ts';

describe('The report of receipts without a message', () => {
  let service: Harness;
  let pool: pg.Pool;
  before(async () => {
    service = await startHarness();
    pool = new pg.Pool({ connectionString: service.databaseUrl });
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  after(async () => {
    await pool.end();
    await service.stop();
  });

  const start = async (patienceMs?: number) => {
    const log = keepLog();
    const events = createEvents(log.logger);
    const step = createUnmatchedReport(pool, events, patienceMs);
    await step();
    const counted = async () => {
      await step();
      const { values } =
        (await events.registry.getSingleMetric('messaging_receipts_without_message_total')?.get()) ?? {};
      return values?.map(({ labels, value }) => [labels.provider, value]);
    };
    return { counted, lines: () => log.of('receipts without a message') };
  };
  const receive = async (id: string | null, status: string, path = 'sms') => {
    const field = path === 'sms' ? 'messaging_provider_id' : 'xillio_id';
    const url = `/api/webhooks/${path}/status`;
    expect((await service.request('POST', url, { [field]: id, status })).status).to.equal(200);
  };

  it('counts the receipts of each provider, and logs at most one line for a provider in ten minutes', async () => {
    await receive('before-the-start', 'sent');
    const { counted, lines } = await start(0);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await receive((await service.untilStatus(id, 'sent')).provider_message_id, 'delivered');
    await receive('unknown-1', 'sent');
    await until(async () => (await counted())?.length === 1, 'the receipt is counted');
    for (const status of ['delivered', 'undelivered']) await receive('unknown-1', status);
    await receive('unknown-2', 'sent', 'email');
    await until(async () => (await counted())?.flat().includes(3), 'the later receipts are counted');
    expect(await counted()).to.deep.equal([
      ['text-co', 3],
      ['mail-co', 1],
    ]);
    expect(lines().map(({ provider, receipts }) => [provider, receipts])).to.deep.equal([
      ['text-co', 1],
      ['mail-co', 1],
    ]);
  });

  it('does not count receipts that have just arrived', async () => {
    const { counted, lines } = await start();
    await receive('unknown-3', 'sent');
    expect(await counted()).to.deep.equal([]);
    expect(lines()).to.deep.equal([]);
  });
});
