import { expect } from 'chai';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, SHORT_TIMEOUT, startHarness } from '../support/harness.ts';
import { freePort } from '../support/process.ts';
import { AUTH_TOKEN } from '../support/twilio.ts';
import { until } from '../support/until.ts';

const DELIVERED = ['conversation.created', 'message.queued', 'message.sent', 'message.delivered'];
const EARLY_RECEIPTS = { receipts: { enabled: true, delay_ms: 0 } };

/** Each test sends to a recipient of its own, so that the events of its conversation are those of the message. */
describe('The events of a message', function () {
  this.timeout(60_000);
  let service: Harness;
  let recipients = 0;
  const recipient = () => `+1804558${String(++recipients).padStart(4, '0')}`;

  const send = (more: object = {}) =>
    service.client.messages.send({
      ...{ from: '+12016661234', to: recipient(), type: 'sms', body: 'Hi' },
      ...more,
    });
  const typesOf = async ({ conversation_id }: { conversation_id: number }) => {
    const { body } = await service.request('GET', `/api/events?conversation_id=${conversation_id}&limit=200`);
    return body.data.map(({ type }: { type: string }) => type) as string[];
  };
  const untilTypes = (message: { conversation_id: number }, expected: string[]) =>
    until(async () => (await typesOf(message)).join() === expected.join(), `${expected}`);
  const setFaults = (...faults: object[]) => service.control('PUT', '/_control/faults', faults);
  const setSettings = (settings: object) => service.control('PUT', '/_control/settings', settings);

  describe('at a provider with idempotency keys', () => {
    before(async () => {
      service = await startHarness();
    });
    after(() => service.stop());
    beforeEach(() => setSettings({ receipts: { enabled: false } }));
    const report = (id: string, status: string, more: object = {}) =>
      service.request('POST', '/api/webhooks/sms/status', { messaging_provider_id: id, status, ...more });
    const acceptedAfter = (earlier: number) =>
      until(async () => (await service.accepted())[earlier], 'the provider accepts the message');

    it('are sent, then delivered, if the receipt came before the response', async () => {
      await setFaults({ channel: 'sms', type: 'latency', ms: 500, times: 1 });
      const earlier = (await service.accepted()).length;
      const message = await send();
      const { id } = await acceptedAfter(earlier);
      for (const status of ['delivered', 'sent']) await report(id, status);
      await untilTypes(message, DELIVERED);
    });

    it('are sent, then delivered, if the receipts of all recipients came before the response', async () => {
      await setFaults({ channel: 'sms', type: 'latency', ms: 500, times: 1 });
      const earlier = (await service.accepted()).length;
      const to = [recipient(), recipient()];
      const message = await send({ type: 'mms', to });
      const { id } = await acceptedAfter(earlier);
      for (const address of to) await report(id, 'delivered', { recipient: address });
      await untilTypes(message, DELIVERED);
    });

    it('are delivered after the last recipient of a group', async () => {
      const to = [recipient(), recipient()];
      const message = await send({ type: 'mms', to });
      const { provider_message_id } = await service.untilStatus(message.id, 'sent');
      for (const address of to) await report(provider_message_id ?? '', 'delivered', { recipient: address });
      await untilTypes(message, DELIVERED);
    });

    it('are queued once if an attempt fails and the service tries again', async () => {
      await setFaults({ channel: 'sms', type: 'status', status: 503 });
      const message = await send();
      await until(
        async () => (await service.client.messages.attempts(message.id)).data.length > 0,
        'the first attempt',
      );
      await setFaults();
      await untilTypes(message, DELIVERED.slice(0, 3));
      expect((await service.client.messages.attempts(message.id)).data.length).to.be.above(1);
    });

    it('are queued again for a manual retry', async () => {
      const message = await send({ to: '+12010000009' });
      const failed = ['conversation.created', 'message.queued', 'message.failed'];
      await untilTypes(message, failed);
      await service.client.messages.retry(message.id);
      await untilTypes(message, [...failed, ...failed.slice(1)]);
    });
  });

  describe('at a provider with look-up only', () => {
    before(async () => {
      service = await startHarness({ TEXT_CO_IDEMPOTENCY_KEYS: 'false', ...SHORT_TIMEOUT });
    });
    after(() => service.stop());

    it('are sent, then delivered, if a look-up finds a message whose response was lost', async () => {
      await setSettings(EARLY_RECEIPTS);
      await setFaults({ channel: 'sms', type: 'lost_response', times: 1 });
      const message = await send();
      await untilTypes(message, DELIVERED);
      const { data } = await service.client.messages.attempts(message.id);
      expect(data.map(({ outcome }) => outcome)).to.deep.equal(['unknown', 'accepted']);
    });
  });

  describe('at Twilio, whose callbacks have the delivery key', () => {
    let simulator: Simulator;
    before(async () => {
      simulator = await startSimulator({ apiKey: AUTH_TOKEN, settings: EARLY_RECEIPTS });
      const port = await freePort();
      service = await startHarness({
        ...{ PORT: `${port}`, PUBLIC_URL: `http://127.0.0.1:${port}` },
        ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: `${simulator.url}/twilio` },
        ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
      });
    });
    after(async () => {
      await service?.stop();
      await simulator.stop();
    });
    const setFault = (fault: object) =>
      fetch(`${simulator.url}/_control/faults`, {
        ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify([{ channel: 'sms', times: 1, ...fault }]),
      });

    it('are sent, then delivered, if the callbacks came before the response', async () => {
      await setFault({ type: 'latency', ms: 500 });
      await untilTypes(await send(), DELIVERED);
    });

    it('are sent, then delivered, if the response is an error although the message was accepted', async () => {
      await setFault({ type: 'status', status: 500, accepted: true });
      await untilTypes(await send(), DELIVERED);
    });
  });
});
