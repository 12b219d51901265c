import { expect } from 'chai';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import type { WebhookCall } from '../../src/simulator/webhook-client.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { freePort } from '../support/process.ts';
import { until } from '../support/until.ts';

const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const FROM = '+12016661234';
let recipients = 0;

describe('A service with the simulated Twilio', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let service: Harness;

  before(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    simulator = await startSimulator({
      apiKey: AUTH_TOKEN,
      settings: { service_url: url, receipts: { delay_ms: 5 } },
    });
    service = await startHarness({
      ...{ PORT: String(port), PUBLIC_URL: url, SMS_PROVIDERS: 'twilio' },
      ...{ TWILIO_URL: `${simulator.url}/twilio`, TWILIO_ACCOUNT_SID: ACCOUNT_SID },
      TWILIO_AUTH_TOKEN: AUTH_TOKEN,
    });
  });
  after(async () => {
    await service?.stop();
    await simulator.stop();
  });
  beforeEach(() => control('POST', 'reset'));

  async function control<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status, await response.clone().text()).to.equal(200);
    return (await response.json()) as T;
  }

  const fault = (fields: object) => control('PUT', 'faults', [{ channel: 'sms', ...fields }] as object);
  const accepted = async (to: string) =>
    (await control<{ data: { request: { To: string } }[] }>('GET', 'messages')).data.filter(
      ({ request }) => request.To === to,
    );
  /** A recipient of its own for each message, so that conversations do not wait for each other. */
  const recipient = () => `+1804555${String(++recipients).padStart(4, '0')}`;
  const send = async (to = recipient()) => {
    const { id } = await service.client.messages.send({ from: FROM, to, type: 'sms', body: 'Hello' });
    return { id, to };
  };

  it('delivers a message by signed status callbacks', async () => {
    const { id, to } = await send();
    await service.untilStatus(id, 'delivered');
    expect(await accepted(to)).to.have.lengthOf(1);
    const { data } = await control<{ data: WebhookCall[] }>('GET', 'webhooks');
    expect(data.map(({ status, problem }) => [status, problem])).to.deep.include([200, null]);
  });

  it('records a reply in the same conversation, and answers with TwiML', async () => {
    const { id, to } = await send();
    const { conversation_id } = await service.untilStatus(id, 'delivered');
    const fields = { channel: 'sms', dialect: 'twilio', From: to, To: FROM, Body: 'Hi' };
    const answer = await control<{ status: number; body: string }>('POST', 'inbound', fields);
    expect(answer.status).to.equal(200);
    expect(answer.body).to.match(/<Response\s*(?:\/>|><\/Response>)/);
    const { body } = await service.request('GET', `/api/conversations/${conversation_id}/messages`);
    expect(body.data.map((message: { body: string }) => message.body)).to.have.members(['Hello', 'Hi']);
    const webhooks = (await control<{ data: WebhookCall[] }>('GET', 'webhooks')).data;
    expect(webhooks.at(-1)?.problem).to.equal(null);
  });

  it('records a message whose SID has the form of a number beyond the range of a double', async () => {
    const MessageSid = `SM${'1e999'.padEnd(32, '0')}`;
    const fields = { channel: 'sms', dialect: 'twilio', From: recipient(), MessageSid };
    const answer = await control<{ status: number }>('POST', 'inbound', fields);
    expect(answer.status).to.equal(200);
    const { body } = await service.request('GET', '/api/messages?direction=inbound');
    const ids = body.data.map((message: { provider_message_id: string }) => message.provider_message_id);
    expect(ids).to.include(MessageSid);
  });

  it('has the right status after callbacks that are repeated, in disorder and with undocumented content', async () => {
    await control('PUT', 'settings', {
      receipts: { repeats: 5, disorder: true },
      twilio: { unknown_fields: true, unknown_status: true },
    });
    const { id } = await send();
    await service.untilStatus(id, 'delivered');
    const receipts = async () => (await control<{ data: Accepted[] }>('GET', 'messages')).data[0]?.receipts;
    await until(
      async () => (await receipts())?.every(({ acknowledged }) => acknowledged === 6),
      'all repeats',
    );
    expect((await service.request('GET', `/api/messages/${id}`)).body.status).to.equal('delivered');
  });

  it('has the right status if the callbacks arrive before the response', async () => {
    await control('PUT', 'settings', { receipts: { early_rate: 1 } });
    const { id, to } = await send();
    await service.untilStatus(id, 'delivered');
    expect(await accepted(to)).to.have.lengthOf(1);
  });

  it('sends a message once if a 500 follows the send, and has its status from the callbacks', async () => {
    await fault({ type: 'status', status: 500, accepted: true, times: 1 });
    const { id, to } = await send();
    await service.untilStatus(id, 'delivered');
    expect(await accepted(to)).to.have.lengthOf(1);
  });

  it('does not repeat a message after a 500 without a send', async () => {
    await fault({ type: 'status', status: 500, times: 1 });
    const { id, to } = await send();
    await service.untilStatus(id, 'unknown');
    expect(await accepted(to)).to.deep.equal([]);
  });

  it('sends a message later if Twilio throttles the account', async () => {
    await fault({ type: 'status', status: 429, retry_after: 1, times: 2 });
    const { id, to } = await send();
    await service.untilStatus(id, 'delivered');
    expect(await accepted(to)).to.have.lengthOf(1);
  });

  it('ends a message to a recipient who opted out as failed', async () => {
    const to = recipient();
    await control('POST', 'inbound', { channel: 'sms', dialect: 'twilio', From: to, To: FROM, Body: 'STOP' });
    const { id } = await send(to);
    const { error } = await service.untilStatus(id, 'failed');
    expect(error?.code).to.equal('21610');
  });

  it('ends a message that the carrier filters as undelivered', async () => {
    const { id } = await send('+18040030007');
    const { error } = await service.untilStatus(id, 'undelivered');
    expect(error?.code).to.equal('30007');
  });
});
