import { createSecretKey } from 'node:crypto';
import { expect } from 'chai';
import { isGenuine } from '../../../src/providers/vonage/token.ts';
import { DEFAULT_SIGNATURE_SECRET } from '../../../src/simulator/dialects/vonage/dialect.ts';
import { until } from '../../support/until.ts';
import { API_KEY, APPLICATION_ID, SIGNATURE_SECRET } from '../../support/vonage.ts';
import { type Received, type Receiver, startPlay, startReceiver } from '../support.ts';
import { FROM, startVonage, TO, type Vonage } from './support.ts';

describe('A webhook of the simulated Vonage account', () => {
  let vonage: Vonage;
  let receiver: Receiver;
  let answer: (received: Received) => number;
  beforeEach(async () => {
    answer = () => 200;
    receiver = await startReceiver((received) => answer(received));
    vonage = await startVonage({ service_url: receiver.url });
  });
  afterEach(async () => {
    await vonage.stop();
    await receiver.stop();
  });

  const untilReceived = (count: number) =>
    until(() => receiver.received.length >= count && receiver.received, `${count} webhooks are received`);
  const isSigned = ({ headers, text }: Received, secret = SIGNATURE_SECRET) =>
    isGenuine(
      String(headers.authorization).replace('Bearer ', ''),
      { keys: [createSecretKey(Buffer.from(secret))], apiKey: API_KEY, applicationId: APPLICATION_ID },
      Date.now(),
      async () => Buffer.from(text),
    );

  it('reports each status of a message to its own URL, signed, with the echo', async () => {
    const { body } = await vonage.create({ client_ref: 'echo', webhook_url: `${receiver.url}/own?a=1` });
    const received = await untilReceived(2);
    for (const one of received) {
      expect(one.path).to.equal('/own?a=1');
      expect(await isSigned(one)).to.equal(true);
      expect(one.body).to.include({
        ...{ message_uuid: body.message_uuid, client_ref: 'echo', to: TO, from: FROM, channel: 'sms' },
      });
    }
    expect(receiver.statuses()).to.deep.equal(['submitted', 'delivered']);
  });

  it('goes to the URL of the application without a URL in the message', async () => {
    await vonage.set({ provider_name: 'vonage_eu' });
    await vonage.create();
    expect((await untilReceived(2))[0]?.path).to.equal('/api/webhooks/vonage_eu');
    await vonage.set({ vonage: { webhook_url: `${receiver.url}/application` } });
    await vonage.create();
    expect((await untilReceived(4))[2]?.path).to.equal('/application');
  });

  for (const [to, status, code] of [
    ['18040001210', 'rejected', '1210'],
    ['18040001180', 'undeliverable', '1180'],
    ['18040000008', 'undeliverable', '1260'],
  ])
    it(`reports ${status} with the code ${code} for the recipient ${to}`, async () => {
      await vonage.create({ to });
      await until(async () => receiver.statuses().includes(status as string), `the status is ${status}`);
      const { body } = receiver.received.at(-1) as Received;
      expect(body.error).to.include({ title: code });
      expect(body.error.type).to.equal(`https://developer.vonage.com/api-errors/messages#${code}`);
      expect(receiver.statuses().includes('submitted')).to.equal(status !== 'rejected');
    });

  it('is repeated after a 503 and a 429, and not after a 401', async () => {
    const statuses = [503, 429, 401];
    answer = () => statuses.shift() ?? 200;
    await vonage.create();
    await untilReceived(4);
    expect(receiver.statuses()).to.deep.equal(['submitted', 'submitted', 'submitted', 'delivered']);
    const [accepted] = await vonage.accepted();
    await until(async () => (await vonage.accepted())[0]?.receipts[1]?.acknowledged === 1, 'the end');
    expect(accepted?.receipts[0]).to.include({ status: 'submitted', acknowledged: 0, failed: 1 });
  });

  it('is first sent without a signature if this is configured, and is then repeated with one', async () => {
    await vonage.set({ vonage: { unsigned_first: true } });
    answer = ({ headers }) => (headers.authorization === undefined ? 503 : 200);
    expect((await vonage.inbound()).body.status).to.equal(200);
    const [first, second] = await untilReceived(2);
    expect(first?.headers.authorization).to.equal(undefined);
    expect(second && (await isSigned(second))).to.equal(true);
    expect(first?.text).to.equal(second?.text);
  });

  it('can be early, lost, repeated, out of order and undocumented', async () => {
    await vonage.set({
      receipts: { early_rate: 1, repeats: 1, disorder: true },
      vonage: { unknown_fields: true, unknown_status: true },
    });
    await vonage.create();
    expect(receiver.statuses()).to.deep.equal([
      ...['delivered', 'delivered', 'rerouted', 'rerouted', 'submitted', 'submitted'],
    ]);
    expect(receiver.received[0]?.body).to.include.keys('future_field', 'future_list');
    await vonage.set({ receipts: { loss_rate: 1 } });
    await vonage.create();
    expect(receiver.received).to.have.length(6);
    await vonage.set({ receipts: { loss_rate: 0, failure_rate: 1, repeats: 0, disorder: false } });
    await vonage.create();
    expect(receiver.statuses().at(-1)).to.equal('undeliverable');
  });

  it('has an inbound message, with the given fields', async () => {
    expect((await vonage.inbound()).body).to.deep.equal({ status: 200, body: { id: 7 } });
    await vonage.inbound({ from: '447700900001', text: ' stop it ', future: [1] });
    const [first, second] = receiver.received;
    expect(first?.body).to.deep.include({
      ...{ from: TO, to: FROM, text: 'Hello', channel: 'sms', message_type: 'text' },
      sms: { num_messages: '1', keyword: 'HELLO' },
    });
    expect(second?.body).to.deep.include({ from: '447700900001', text: ' stop it ', future: [1] });
    expect(second?.body.sms.keyword).to.equal('STOP');
    for (const one of receiver.received) expect(await isSigned(one)).to.equal(true);
  });

  it('has a media file of an inbound MMS', async () => {
    const video = { url: 'https://a.example/b.mp4', caption: 'Look' };
    await vonage.inbound({ video });
    const [{ body } = expect.fail('no webhook was received')] = receiver.received;
    expect(body).to.deep.include({ channel: 'mms', message_type: 'video', video });
    expect(body).not.to.include.keys('text');
  });

  for (const fields of [{ channel: 'email' }, { from: 1 }, { text: null }, { message_uuid: '' }])
    it(`is refused with ${JSON.stringify(fields)}`, async () => {
      expect((await vonage.inbound(fields)).status).to.equal(422);
      expect(receiver.received).to.deep.equal([]);
    });

  it('is signed with a known secret if the simulator accepts any credentials', async () => {
    const play = await startPlay({
      settings: { service_url: receiver.url },
      vonage: { apiKey: API_KEY, applicationId: APPLICATION_ID },
    });
    await play.call('POST', '/_control/inbound', { channel: 'sms', dialect: 'vonage' });
    const [one] = receiver.received;
    expect(one && (await isSigned(one, DEFAULT_SIGNATURE_SECRET))).to.equal(true);
    await play.stop();
  });
});
