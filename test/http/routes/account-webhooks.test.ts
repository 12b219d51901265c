import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';

describe("The webhook URL of an account of the kind 'standard'", () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
  });
  after(() => service.stop());

  const deliver = (account: string, event: object | string, headers: Record<string, string> = {}) => {
    const body = typeof event === 'string' ? event : JSON.stringify(event);
    const signed = sign(webhookSecret, 'evt_1', Math.floor(Date.now() / 1_000), body);
    return service.request('POST', `/api/webhooks/${account}`, body, { ...signed, ...headers });
  };

  it('receives messages, once each', async () => {
    const event = { ...inboundSms, messaging_provider_id: 'account-1', extra: { field: [1] } };
    for (let n = 0; n < 2; n++) {
      const { status, body } = await deliver('text-co', event);
      expect([status, body]).to.deep.equal([200, {}]);
    }
    const { body } = await service.request('GET', '/api/messages?direction=inbound');
    expect(body.data).to.have.length(1);
    expect(body.data[0]).to.include({ provider: 'text-co', provider_message_id: 'account-1' });
  });

  it('receives a message with only one address', async () => {
    for (const [id, address] of Object.entries({
      'one-1': { from: '+18045551234' },
      'one-2': { to: ['', '+12016661234'] },
      'one-3': { from: '+18045551234', status: null },
    })) {
      const { status } = await deliver('text-co', { messaging_provider_id: id, body: 'Hello', ...address });
      expect(status).to.equal(200);
      const { body } = await service.request('GET', '/api/messages?direction=inbound&limit=1');
      expect(body.data[0].provider_message_id).to.equal(id);
    }
  });

  it('receives receipts', async () => {
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    const { provider_message_id } = await service.untilStatus(id, 'delivered');
    const event = { messaging_provider_id: provider_message_id, status: 'teleported' };
    expect((await deliver('text-co', event)).status).to.equal(200);
    const { body } = await service.request('GET', `/api/messages/${id}/timeline`);
    expect(JSON.stringify(body)).to.include('teleported');
  });

  it('receives emails at the account of emails', async () => {
    const event = {
      from: 'a@example.com',
      to: 'b@example.com',
      xillio_id: 'mail-1',
      body: 'Hello',
      cc: ['c@example.com'],
    };
    expect((await deliver('mail-co', event)).status).to.equal(200);
    const { body } = await service.request('GET', '/api/messages?type=email');
    expect(body.data[0]).to.deep.include({ from: 'a@example.com', cc: ['c@example.com'] });
  });

  it('returns 401 for an unknown account and for a wrong signature', async () => {
    for (const account of ['nobody', 'TEXT-CO', 'text-co%00', 'sms-simulator'])
      expect((await deliver(account, inboundSms)).status, account).to.equal(401);
    expect((await deliver('text-co', inboundSms, { 'webhook-signature': 'v1,AAAA' })).status).to.equal(401);
  });

  it('receives an email of several megabytes', async () => {
    const event = {
      from: 'a@example.com',
      to: 'b@example.com',
      xillio_id: 'large',
      body: 'x'.repeat(3_000_000),
    };
    expect((await deliver('mail-co', event)).status).to.equal(200);
    const { body } = await service.request('GET', '/api/messages?type=email&limit=1');
    expect(body.data[0]).to.include({ provider_message_id: 'large', body: event.body });
    expect((await deliver('text-co', 'x'.repeat(3_000_000))).status).to.equal(413);
  });

  it('returns 413 for a body that is too large, and 415 for a compressed body', async () => {
    expect((await deliver('text-co', 'x'.repeat(11e6))).status).to.equal(413);
    expect((await deliver('text-co', inboundSms, { 'content-encoding': 'gzip' })).status).to.equal(415);
  });
});
