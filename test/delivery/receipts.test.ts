import { expect } from 'chai';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { timelineOf } from '../support/timeline.ts';
import { until } from '../support/until.ts';

describe('Delivery receipts', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  beforeEach(async () => {
    await service.control('PUT', '/_control/settings', {
      receipts: { enabled: false, delay_ms: 5, repeats: 0, disorder: false },
    });
    await service.control('PUT', '/_control/faults', []);
  });
  after(() => service.stop());

  const sent = async () => {
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    return service.untilStatus(id, 'sent');
  };
  const receipt = (id: string | null, status: string, error: object | null = null) =>
    service.request('POST', '/api/webhooks/sms/status', { messaging_provider_id: id, status, error });
  const storedOf = (id: number) =>
    query(service.databaseUrl, 'select from delivery_receipts where message_id = $1', [id]);
  const statusOf = async (id: number) => (await service.request('GET', `/api/messages/${id}`)).body.status;

  it('advance the status of a message and never move it back', async () => {
    const { id, provider_message_id } = await sent();
    const statuses = [];
    for (const status of ['queued', 'sent', 'delivered', 'sent', 'undelivered', 'failed', 'queued']) {
      expect((await receipt(provider_message_id, status)).status).to.equal(200);
      statuses.push(await statusOf(id));
    }
    expect(statuses).to.deep.equal([
      'sent',
      'sent',
      'delivered',
      'delivered',
      'delivered',
      'delivered',
      'delivered',
    ]);
  });

  it('contain the reason for an undelivered message', async () => {
    const { id, provider_message_id } = await sent();
    await receipt(provider_message_id, 'undelivered', { code: '30005', detail: 'Unknown subscriber' });
    const { body } = await service.request('GET', `/api/messages/${id}`);
    expect(body).to.deep.include({
      status: 'undelivered',
      error: { code: '30005', detail: 'Unknown subscriber', class: 'provider_error', url: null },
    });
  });

  it('are stored once if they are repeated', async () => {
    const { id, provider_message_id } = await sent();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => receipt(provider_message_id, 'delivered')),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.received_at)).size).to.equal(1);
    expect(await storedOf(id)).to.have.length(1);
    expect(await statusOf(id)).to.equal('delivered');
  });

  it('that arrive before the result of the attempt are applied when the attempt is settled', async () => {
    await service.control('PUT', '/_control/settings', { receipts: { enabled: true, delay_ms: 0 } });
    // The response is lost, so the service receives the id of the message only from a second call.
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'lost_response', times: 1 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'delivered');
    await until(async () => (await storedOf(id)).length === 2, 'both receipts');
    const { receipts } = await timelineOf(service, id);
    expect(receipts.map((one) => one.message_id)).to.deep.equal([id, id]);
  });

  it('for an unknown message are stored and answered with 200', async () => {
    const { status, body } = await receipt('unknown-id', 'delivered');
    expect(status).to.equal(200);
    expect(body).to.include({ message_id: null, status: 'delivered', provider: 'text-co' });
  });

  it('find an email by its provider message id', async () => {
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

  it('are applied in any order and with repeats from the simulator', async () => {
    await service.control('PUT', '/_control/settings', {
      receipts: { enabled: true, repeats: 2, disorder: true },
    });
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'delivered');
    await until(async () => (await storedOf(id)).length === 2, 'both receipts');
    expect(await statusOf(id)).to.equal('delivered');
  });

  const deliver = (fields: object) => service.request('POST', '/api/webhooks/sms/status', fields);
  const messageOf = async (id: number) => (await service.request('GET', `/api/messages/${id}`)).body;
  const receiptsOf = async (id: number) => (await timelineOf(service, id)).receipts;

  it('are accepted with any error, which is shortened to the limits of a message', async () => {
    const detail = 'd'.repeat(1_024);
    const errors: [unknown, object | null][] = [
      [
        { code: 'c'.repeat(65), detail: 'd'.repeat(1_025) },
        { code: 'c'.repeat(64), detail },
      ],
      [
        { code: '😀'.repeat(65), detail: '😀'.repeat(5_000) },
        { code: '😀'.repeat(64), detail: '😀'.repeat(1_024) },
      ],
      [
        { code: null, detail: null },
        { code: 'unknown', detail: null },
      ],
      [
        { code: '', detail: '' },
        { code: 'unknown', detail: '' },
      ],
      [{ code: 30_003 }, { code: '30003', detail: null }],
      [{ detail: 'The handset is off' }, { code: 'unknown', detail: 'The handset is off' }],
      [
        { code: '1\0', detail: '\ud800' },
        { code: '1', detail: '\ufffd' },
      ],
      [
        { code: '5', detail: 'x', more: [1] },
        { code: '5', detail: 'x' },
      ],
      [{}, { code: 'unknown', detail: null }],
      ['The handset is off', { code: 'unknown', detail: 'The handset is off' }],
      [null, null],
      [undefined, null],
    ];
    for (const [given, error] of errors) {
      const { id, provider_message_id } = await sent();
      const { status, body } = await deliver({
        messaging_provider_id: provider_message_id,
        status: 'undelivered',
        error: given,
      });
      expect(status, `${JSON.stringify(given)}: ${JSON.stringify(body)}`).to.equal(200);
      const expected = error && { ...error, class: 'provider_error', url: null };
      expect(body.error).to.deep.equal(expected);
      expect(await messageOf(id)).to.deep.include({ status: 'undelivered', error: expected });
    }
  });

  it('leave no error on a message that was delivered', async () => {
    for (const error of [{ code: '000' }, { code: '0', detail: 'No error' }, { code: null }, 'OK']) {
      const { id, provider_message_id } = await sent();
      for (const status of ['sent', 'delivered'])
        expect(
          (await deliver({ messaging_provider_id: provider_message_id, status, error })).status,
        ).to.equal(200);
      expect(await messageOf(id)).to.deep.include({ status: 'delivered', error: null });
    }
  });

  it('have a status whose case and surrounding spaces are ignored', async () => {
    const { id, provider_message_id } = await sent();
    const { body } = await deliver({ messaging_provider_id: provider_message_id, status: ' DELIVERED ' });
    expect(body.status).to.equal('delivered');
    expect(await statusOf(id)).to.equal('delivered');
  });

  it('with an unknown status are stored and do not change the message', async () => {
    const others = async () => {
      const { body: metrics } = await service.request('GET', '/metrics');
      const name = 'messaging_delivery_receipts_total{provider="text-co",status="other"} ';
      const line = (metrics as string).split('\n').find((each) => each.startsWith(name));
      return Number(line?.slice(name.length) ?? 0);
    };
    const counted = await others();
    const { id, provider_message_id } = await sent();
    const statuses = [
      'scheduled',
      'Deferred',
      'accepted',
      'canceled',
      'unknown',
      's'.repeat(5_000),
      ' ',
      '\u2028',
    ];
    for (const status of statuses)
      expect((await deliver({ messaging_provider_id: provider_message_id, status })).status, status).to.equal(
        200,
      );
    expect(await statusOf(id)).to.equal('sent');
    const stored = (await receiptsOf(id)).map(({ status }: { status: string }) => status);
    expect(stored).to.deep.equal([
      'scheduled',
      'deferred',
      'accepted',
      'canceled',
      'unknown',
      's'.repeat(64),
    ]);
    await deliver({ messaging_provider_id: provider_message_id, status: 'undelivered' });
    expect(await statusOf(id)).to.equal('undelivered');
    expect(await others()).to.equal(counted + 8);
  });

  it('with an unknown status before the result of the attempt do not block later receipts', async () => {
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 300 }]);
    const earlier = (await service.accepted()).length;
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    const accepted = await until(
      async () => (await service.accepted())[earlier],
      'the provider accepts the message',
    );
    for (const status of ['deferred', 'delivered'])
      await deliver({ messaging_provider_id: accepted.id, status, error: { code: '000' } });
    await service.untilStatus(id, 'delivered');
    expect(await messageOf(id)).to.deep.include({ error: null });
  });

  it('have the time of their arrival if their timestamp is invalid', async () => {
    const before = new Date().toISOString();
    for (const [index, timestamp] of [null, '', 'yesterday', '2024-02-31T00:00:00Z'].entries()) {
      const { status, body } = await deliver({
        messaging_provider_id: `t-${index}`,
        status: 'sent',
        timestamp,
      });
      expect([status, body.occurred_at >= before], String(timestamp)).to.deep.equal([200, true]);
    }
  });
});
