import { expect } from 'chai';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import { signForm } from '../../../src/simulator/dialects/twilio/webhooks/signature.ts';
import type { SettingsChange } from '../../../src/simulator/settings.ts';
import { until } from '../../support/until.ts';
import {
  AUTH_TOKEN,
  FROM,
  type Receiver,
  type Reply,
  startReceiver,
  startTwilio,
  TO,
  type Twilio,
  type Webhook,
} from './support.ts';

const SERVICE = `MG${'b'.repeat(32)}`;

describe('A status callback of the simulated Twilio API', () => {
  let twilio: Twilio;
  let receiver: Receiver;
  let reply: (webhook: Webhook) => Reply;
  beforeEach(async () => {
    reply = () => ({ status: 204 });
    receiver = await startReceiver((webhook) => reply(webhook));
    twilio = await startTwilio();
  });
  afterEach(async () => {
    await twilio.stop();
    await receiver.stop();
  });

  const set = (receipts: SettingsChange['receipts']) => twilio.set({ receipts });
  const create = (form = {}) => twilio.create({ StatusCallback: `${receiver.url}/callback`, ...form });

  it('is sent for each status after the first status', async () => {
    const { sid } = (await create()).body;
    const [sending, , delivered] = await receiver.untilReceived(3);
    expect(receiver.statuses()).to.deep.equal(['sending', 'sent', 'delivered']);
    const common = { SmsSid: sid, MessageSid: sid, To: TO, From: FROM, AccountSid: ACCOUNT_SID };
    expect(Object.fromEntries(sending?.form ?? [])).to.deep.equal({
      ...{ ...common, SmsStatus: 'sending', MessageStatus: 'sending', ApiVersion: '2010-04-01' },
    });
    expect(delivered?.form.get('RawDlrDoneDate')).to.match(/^\d{10}$/);
    const { body } = await twilio.fetchMessage(sid);
    expect(body).to.include({ status: 'delivered', error_code: null });
    expect(body.date_sent).to.be.a('string');
  });

  it('is signed over the exact URL with its query', async () => {
    const target = "/in/%7Eb?key=a%2Bb+c&z=1&a=it's";
    await create({ StatusCallback: receiver.url + target });
    for (const { path, headers, form } of await receiver.untilReceived(3)) {
      expect(path).to.equal(target);
      expect(headers['x-twilio-signature']).to.equal(signForm(AUTH_TOKEN, receiver.url + target, form));
      expect(headers['content-type']).to.match(/^application\/x-www-form-urlencoded/);
    }
  });

  it('has an idempotency token, which is the same in each repeat', async () => {
    await set({ repeats: 2 });
    await create();
    const received = await receiver.untilReceived(9);
    expect(receiver.statuses().slice(0, 4)).to.deep.equal(['sending', 'sending', 'sending', 'sent']);
    const tokens = received.map(({ headers }) => headers['i-twilio-idempotency-token']);
    expect(new Set(tokens).size).to.equal(3);
  });

  it('is not sent without StatusCallback, and the message is delivered', async () => {
    const { sid } = (await create({ StatusCallback: '' })).body;
    await until(
      async () => (await twilio.fetchMessage(sid)).body.status === 'delivered',
      'the message is delivered',
    );
    expect(receiver.received).to.deep.equal([]);
    expect((await twilio.accepted())[0]?.receipts).to.deep.equal([]);
  });

  it('is not sent if receipts are disabled, and the message is delivered', async () => {
    await set({ enabled: false });
    const { sid } = (await create()).body;
    await until(
      async () => (await twilio.fetchMessage(sid)).body.status === 'delivered',
      'the message is delivered',
    );
    expect(receiver.received).to.deep.equal([]);
  });

  it('names the Messaging Service and the sender that the service chose', async () => {
    await twilio.set({ twilio: { senders: ['12345'] } });
    await create({ From: '', MessagingServiceSid: SERVICE });
    const [queued] = await receiver.untilReceived(4);
    expect(receiver.statuses()).to.deep.equal(['queued', 'sending', 'sent', 'delivered']);
    expect(queued?.form.get('From')).to.equal('12345');
    expect(queued?.form.get('MessagingServiceSid')).to.equal(SERVICE);
  });

  for (const [to, code, statuses] of [
    ['+18040000008', '30003', ['sending', 'sent', 'undelivered']],
    ['+18040030007', '30007', ['sending', 'sent', 'undelivered']],
    ['+18040030034', '30034', ['failed']],
  ] as const)
    it(`reports ${code} for ${to}`, async () => {
      const { sid } = (await create({ To: to })).body;
      const received = await receiver.untilReceived(statuses.length);
      expect(receiver.statuses()).to.deep.equal(statuses);
      expect(received.at(-1)?.form.get('ErrorCode')).to.equal(code);
      const { body } = await twilio.fetchMessage(sid);
      expect(body).to.include({ status: statuses.at(-1), error_code: Number(code) });
      expect(body.error_message).to.be.a('string');
    });

  it('reports 30003 for the configured share of messages', async () => {
    await set({ failure_rate: 1 });
    await create();
    const received = await receiver.untilReceived(3);
    expect(received.at(-1)?.form.get('ErrorCode')).to.equal('30003');
  });

  it('is sent in the reverse order if disorder is configured', async () => {
    await set({ disorder: true });
    await create();
    await receiver.untilReceived(3);
    expect(receiver.statuses()).to.deep.equal(['delivered', 'sent', 'sending']);
  });

  it('arrives before the response to the send for the configured share of messages', async () => {
    await set({ early_rate: 1 });
    const { body } = await create();
    expect(receiver.statuses()).to.deep.equal(['sending', 'sent', 'delivered']);
    expect(receiver.received[0]?.form.get('MessageSid')).to.equal(body.sid);
    expect(body.status).to.equal('queued');
  });

  it('is lost for the configured share of callbacks', async () => {
    await set({ loss_rate: 1 });
    const { sid } = (await create()).body;
    await until(
      async () => (await twilio.fetchMessage(sid)).body.status === 'delivered',
      'the message is delivered',
    );
    expect(receiver.received).to.deep.equal([]);
    await set({ loss_rate: 0.5 });
    for (let time = 0; time < 20; time++) await create();
    const planned = async () => (await twilio.accepted()).map(({ receipts }) => receipts.length);
    await until(async () => Math.max(...(await planned())) > 0, 'some callbacks are planned');
    const total = (await planned()).reduce((sum, count) => sum + count, 0);
    expect(total).to.be.within(1, 59);
  });

  it('has undocumented parameters, one of them repeated, if they are configured', async () => {
    await twilio.set({ twilio: { unknown_fields: true } });
    await create();
    const [{ headers, form } = expect.fail('no webhook was received')] = await receiver.untilReceived(1);
    expect(form.getAll('FutureList')).to.deep.equal(['b', 'a']);
    const signature = signForm(AUTH_TOKEN, `${receiver.url}/callback`, form);
    expect(headers['x-twilio-signature']).to.equal(signature);
  });

  it('reports an undocumented status before the last status if it is configured', async () => {
    await twilio.set({ twilio: { unknown_status: true } });
    await create();
    await receiver.untilReceived(4);
    expect(receiver.statuses()).to.deep.equal(['sending', 'sent', 'rerouted', 'delivered']);
  });

  it('is counted as acknowledged after a 2xx response and as failed after any other response', async () => {
    reply = ({ form }) => ({ status: form.get('MessageStatus') === 'sent' ? 500 : 200 });
    await create();
    await receiver.untilReceived(3);
    const receipts = async () => (await twilio.accepted())[0]?.receipts;
    await until(async () => (await receipts())?.[2]?.acknowledged === 1, 'the last callback is counted');
    expect(await receipts()).to.deep.equal([
      { status: 'sending', acknowledged: 1, failed: 0 },
      { status: 'sent', acknowledged: 0, failed: 1 },
      { status: 'delivered', acknowledged: 1, failed: 0 },
    ]);
  });

  it('is dropped by a reset', async () => {
    await set({ delay_ms: 200 });
    await create();
    await twilio.call('POST', '/_control/reset');
    // The first callback of this message is sent after the time of the dropped callback.
    await set({ delay_ms: 250 });
    await create();
    const received = await receiver.untilReceived(3);
    expect(new Set(received.map(({ form }) => form.get('MessageSid'))).size).to.equal(1);
  });
});

describe('The connection overrides of a simulated Twilio webhook', () => {
  let twilio: Twilio;
  let receiver: Receiver;
  let reply: (webhook: Webhook) => Reply;
  beforeEach(async () => {
    reply = () => ({ status: 204 });
    receiver = await startReceiver((webhook) => reply(webhook));
    twilio = await startTwilio({ receipts: { early_rate: 1 } });
  });
  afterEach(async () => {
    await twilio.stop();
    await receiver.stop();
  });

  /** Sends a message to a recipient that fails at once, so that there is one callback, and returns its deliveries. */
  async function deliveries(fragment: string): Promise<Webhook[]> {
    await twilio.create({ To: '+18040030034', StatusCallback: `${receiver.url}/callback?a=1${fragment}` });
    return receiver.received;
  }

  it('are neither sent nor signed', async () => {
    const [{ path, headers, form } = expect.fail('no webhook was received')] =
      await deliveries('#rc=2&rp=all');
    expect(path).to.equal('/callback?a=1');
    const signature = signForm(AUTH_TOKEN, `${receiver.url}/callback?a=1`, form);
    expect(headers['x-twilio-signature']).to.equal(signature);
  });

  for (const [fragment, status, count] of [
    ['', 500, 1],
    ['#rc=2', 500, 1],
    ['#rc=2&rp=5xx', 500, 3],
    ['#rc=2&rp=5xx', 404, 1],
    ['#rp=4xx', 404, 2],
    ['#rc=9&rp=all', 503, 6],
    ['#rc=3&rp=all', 200, 1],
  ] as const)
    it(`cause ${count} deliveries after ${status} with "${fragment}"`, async () => {
      reply = () => ({ status });
      const received = await deliveries(fragment);
      expect(received).to.have.lengthOf(count);
      const tokens = received.map(({ headers }) => headers['i-twilio-idempotency-token']);
      expect(new Set(tokens).size).to.equal(1);
    });

  it('cause a repeat after a response that does not arrive in time', async () => {
    reply = () => (receiver.received.length === 1 ? undefined : { status: 200 });
    expect(await deliveries('#rt=100&rp=rt')).to.have.lengthOf(2);
  });

  it('are absent by default: one repeat after a failed connection only', async () => {
    reply = () => null;
    expect(await deliveries('')).to.have.lengthOf(1);
    const { url } = receiver;
    await receiver.stop();
    await twilio.create({ To: '+18040030034', StatusCallback: url });
    const refused = (await twilio.webhooks()).filter((call) => call.url === url);
    expect(refused.map(({ status }) => status)).to.deep.equal([null, null]);
    expect(refused[0]?.problem).to.match(/ECONNREFUSED/);
  });
});
