import { expect } from 'chai';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { email, type Play, type Receiver, secret, sms, startPlay, startReceiver } from './support.ts';

describe('The control interface', () => {
  let receiver: Receiver;
  let play: Play;
  let status: number;

  beforeEach(async () => {
    status = 200;
    receiver = await startReceiver(() => status);
    play = await startPlay({
      webhookSecret: secret,
      settings: { service_url: receiver.url, receipts: { enabled: false } },
    });
  });
  afterEach(async () => {
    await play.stop();
    await receiver.stop();
  });

  const inbound = (body: object) => play.call('POST', '/_control/inbound', body);

  it('sends a signed inbound text message, and returns the response of the service', async () => {
    const fields = {
      from: '+18045551234',
      to: '+12016661234',
      body: 'hi',
      attachments: ['https://a.example/b'],
    };
    const answer = await inbound({ channel: 'sms', ...fields });
    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({ status: 200, body: { id: 7 } });
    const [{ path, headers, text, body } = expect.fail('no request was received')] = receiver.received;
    expect(path).to.equal('/api/webhooks/sms');
    const { messaging_provider_id, timestamp } = body;
    expect(body).to.deep.equal({ ...fields, type: 'mms', messaging_provider_id, timestamp });
    expect(messaging_provider_id).to.be.a('string');
    const seconds = Number(headers['webhook-timestamp']);
    expect(headers).to.include(sign(secret, String(headers['webhook-id']), seconds, text));
  });

  it('adds defaults to an inbound message', async () => {
    await inbound({ channel: 'sms' });
    await inbound({ channel: 'email', subject: 'Hi', xillio_id: 'mine' });
    const [text, mail] = receiver.received;
    expect(text?.body).to.include({ type: 'sms', attachments: null });
    expect(text?.body).to.include.all.keys('from', 'to', 'messaging_provider_id', 'body', 'timestamp');
    expect(mail?.path).to.equal('/api/webhooks/email');
    expect(mail?.body).to.deep.include({ xillio_id: 'mine', subject: 'Hi', attachments: [] });
    expect(mail?.body).to.include.all.keys('from', 'to', 'body', 'timestamp');
  });

  it('returns an error of the service to an inbound message, without a repeated delivery', async () => {
    status = 503;
    expect((await inbound({ channel: 'sms' })).body).to.deep.equal({ status: 503, body: { id: 7 } });
    expect(receiver.received).to.have.lengthOf(1);
  });

  it('answers 502 if the service is unavailable', async () => {
    await receiver.stop();
    const { status, body } = await inbound({ channel: 'sms' });
    expect(status).to.equal(502);
    expect(body.error).to.have.all.keys('code', 'message');
  });

  it('refuses an inbound message without a valid channel', async () => {
    expect((await inbound({ channel: 'fax' })).status).to.equal(422);
    expect((await play.call('GET', '/_control/messages?channel=fax')).status).to.equal(422);
  });

  const fault = { channel: 'sms', type: 'timeout' };
  for (const list of [
    {},
    ['timeout'],
    [null],
    [{ type: 'timeout' }],
    [{ ...fault, channel: 'fax' }],
    [{ ...fault, type: 'toString' }],
    [{ ...fault, times: -1 }],
    [{ ...fault, times: 1.5 }],
    [{ ...fault, probability: 1.1 }],
    [{ ...fault, probability: '1' }],
    [{ ...fault, applies_to: 'inbound' }],
    [{ ...fault, ms: 5 }],
    [{ ...fault, recipient: '' }],
    [{ ...fault, recipient: ['+18045551234'] }],
    [{ ...fault, type: 'no_id', status: 500 }],
    [{ ...fault, type: 'latency' }],
    [{ ...fault, type: 'latency', ms: -5 }],
    [{ ...fault, type: 'latency', ms: 2 ** 31 }],
    [{ ...fault, type: 'status' }],
    [{ ...fault, type: 'status', status: 200 }],
    [{ ...fault, type: 'status', status: 503, retry_after: 'soon' }],
    [fault, { ...fault, type: 'flood' }],
  ]) {
    it(`refuses the faults ${JSON.stringify(list)} and keeps the previous faults`, async () => {
      const old = [{ channel: 'email', type: 'reset', times: 3, probability: 0, applies_to: 'all' }];
      expect((await play.call('PUT', '/_control/faults', old)).body).to.deep.equal(old);
      const { status, body } = await play.call('PUT', '/_control/faults', list);
      expect(status).to.equal(422);
      expect(body.error.message).to.be.a('string');
      expect((await play.call('GET', '/_control/faults')).body).to.deep.equal(old);
    });
  }

  it('changes the given settings only', async () => {
    const { body: before } = await play.call('GET', '/_control/settings');
    const { status, body } = await play.set({ lookup: false, receipts: { repeats: 2 } });
    expect(status).to.equal(200);
    expect(body).to.deep.equal({ ...before, lookup: false, receipts: { ...before.receipts, repeats: 2 } });
    expect((await play.call('GET', '/_control/settings')).body).to.deep.equal(body);
  });

  for (const change of [
    [],
    { colour: 'red' },
    { toString: true },
    { lookup: 'no' },
    { honour_idempotency_keys: 0 },
    { seed: 1.5 },
    { service_url: 'nowhere' },
    { service_url: 'ftp://example.com' },
    { receipts: true },
    { receipts: { delay: 1 } },
    { receipts: { delay_ms: -1 } },
    { receipts: { failure_rate: 2 } },
    { receipts: { repeats: null } },
    { lookup: false, receipts: { disorder: 1 } },
  ]) {
    it(`refuses the settings ${JSON.stringify(change)} and keeps the previous settings`, async () => {
      const { body: before } = await play.call('GET', '/_control/settings');
      const { status, body } = await play.set(change);
      expect(status).to.equal(422);
      expect(body.error.message).to.be.a('string');
      expect((await play.call('GET', '/_control/settings')).body).to.deep.equal(before);
    });
  }

  it('restores the initial state with a reset', async () => {
    const { body: settings } = await play.call('GET', '/_control/settings');
    await play.send(sms, 'one');
    const { id } = (await play.send(email, 'one')).body;
    await play.faults(fault);
    await play.set({ lookup: false, seed: 9, receipts: { repeats: 3 } });
    expect((await play.call('POST', '/_control/reset')).status).to.equal(200);
    expect(await play.accepted()).to.deep.equal([]);
    expect(await play.calls()).to.deep.equal([]);
    expect((await play.call('GET', '/_control/faults')).body).to.deep.equal([]);
    expect((await play.call('GET', '/_control/settings')).body).to.deep.equal(settings);
    const again = (await play.send(email, 'one')).body.id;
    expect(again).not.to.equal(id);
    expect(await play.accepted()).to.have.nested.property('[0].sequence', 1);
  });

  it('affects one simulator only', async () => {
    const other = await startPlay();
    await play.send();
    await play.faults(fault);
    expect(await other.accepted()).to.deep.equal([]);
    expect((await other.send()).status).to.equal(202);
    await other.stop();
  });
});
