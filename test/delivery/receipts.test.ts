import { expect } from 'chai';
import { email, sms } from '../helpers/bodies.ts';
import { query } from '../helpers/database.ts';
import { type Harness, startHarness } from '../helpers/harness.ts';
import { until } from '../helpers/until.ts';

describe('Delivery receipts', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness();
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  afterEach(() => service.stop());

  const sent = async () => {
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    return service.untilStatus(id, 'sent');
  };
  const receipt = (id: string | null, status: string, error: object | null = null) =>
    service.request('POST', '/api/webhooks/sms/status', { messaging_provider_id: id, status, error });
  const statusOf = async (id: number) => (await service.request('GET', `/api/messages/${id}`)).body.status;

  it('move a message forward and never back', async () => {
    const { id, provider_message_id } = await sent();
    const seen = [];
    for (const status of ['queued', 'sent', 'delivered', 'sent', 'undelivered', 'failed', 'queued']) {
      expect((await receipt(provider_message_id, status)).status).to.equal(200);
      seen.push(await statusOf(id));
    }
    expect(seen).to.deep.equal([
      'sent',
      'sent',
      'delivered',
      'delivered',
      'delivered',
      'delivered',
      'delivered',
    ]);
  });

  it('say why a message did not arrive', async () => {
    const { id, provider_message_id } = await sent();
    await receipt(provider_message_id, 'undelivered', { code: '30005', detail: 'Unknown subscriber' });
    const { body } = await service.request('GET', `/api/messages/${id}`);
    expect(body).to.deep.include({
      status: 'undelivered',
      error: { code: '30005', detail: 'Unknown subscriber' },
    });
  });

  it('are stored once, however often they come', async () => {
    const { id, provider_message_id } = await sent();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => receipt(provider_message_id, 'delivered')),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.received_at)).size).to.equal(1);
    expect(await query(service.databaseUrl, 'select from delivery_receipts')).to.have.length(1);
    expect(await statusOf(id)).to.equal('delivered');
  });

  it('wait for a message that is not known yet', async () => {
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 300 }]);
    await service.control('PUT', '/_control/settings', { receipts: { enabled: true, delay_ms: 0 } });
    // The simulator accepts, reports, and only then answers.
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'lost_response', times: 1 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await until(
      async () => (await query(service.databaseUrl, `select from delivery_receipts`)).length === 2,
      'both receipts',
    );
    await service.untilStatus(id, 'delivered');
    const { receipts } = (await service.request('GET', `/api/messages/${id}/attempts`)).body;
    expect(receipts.map((one: { message_id: number }) => one.message_id)).to.deep.equal([id, id]);
  });

  it('for a message of nobody are kept and answered', async () => {
    const { status, body } = await receipt('never-heard-of', 'delivered');
    expect(status).to.equal(200);
    expect(body).to.include({ message_id: null, status: 'delivered', provider: 'text-co' });
  });

  it('find an email by its own id', async () => {
    const { id } = (await service.request('POST', '/api/messages/email', email)).body;
    const { provider_message_id } = await service.untilStatus(id, 'sent');
    const { body } = await service.request('POST', '/api/webhooks/email/status', {
      xillio_id: provider_message_id,
      status: 'delivered',
      timestamp: '2024-11-01T14:00:02Z',
    });
    expect(body).to.include({ message_id: id, occurred_at: '2024-11-01T14:00:02.000Z' });
    expect(await statusOf(id)).to.equal('delivered');
  });

  it('come in any order and more than once from the simulator', async () => {
    await service.control('PUT', '/_control/settings', {
      receipts: { enabled: true, repeats: 2, disorder: true },
    });
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'delivered');
    await until(
      async () => (await query(service.databaseUrl, 'select from delivery_receipts')).length === 2,
      'both receipts',
    );
    expect(await statusOf(id)).to.equal('delivered');
  });
});
