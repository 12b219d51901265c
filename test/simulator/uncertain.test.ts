import { expect } from 'chai';
import { type Play, type Receiver, sms, startPlay, startReceiver } from './support.ts';

describe('An uncertain send at a simulated provider', () => {
  let receiver: Receiver;
  let play: Play;
  beforeEach(async () => {
    receiver = await startReceiver();
    play = await startPlay({ settings: { service_url: receiver.url, receipts: { delay_ms: 5 } } });
  });
  afterEach(async () => {
    await play.stop();
    await receiver.stop();
  });

  const fault = (fields: object) => play.faults({ channel: 'sms', ...fields });

  it('has all receipts before the response for the configured share of messages', async () => {
    await play.set({ receipts: { early_rate: 1 } });
    const { status, body } = await play.send();
    expect(status).to.equal(202);
    expect(receiver.received.map(({ body: receipt }) => receipt)).to.have.lengthOf(2);
    expect(receiver.received[0]?.body.messaging_provider_id).to.equal(body.id);
  });

  it('has receipts before the connection is lost', async () => {
    await play.set({ receipts: { early_rate: 1 } });
    await fault({ type: 'lost_response' });
    await play.send().then(
      () => expect.fail('there is a response'),
      (error) => expect(error.cause.code).to.equal('UND_ERR_SOCKET'),
    );
    expect(receiver.statuses()).to.deep.equal(['sent', 'delivered']);
  });

  it('has no receipts for the configured share of receipts', async () => {
    await play.set({ receipts: { early_rate: 1, loss_rate: 1 } });
    expect((await play.send()).status).to.equal(202);
    expect(receiver.received).to.deep.equal([]);
    await play.set({ receipts: { loss_rate: 0.5 } });
    for (let count = 0; count < 20; count++) await play.send();
    expect(receiver.received.length).to.be.within(1, 39);
  });

  it('is accepted by a failure that says so, with the given code', async () => {
    await fault({ type: 'status', status: 500, accepted: true, code: 'internal' });
    const { status, body } = await play.send(sms, 'one');
    expect([status, body.error.code]).to.deep.equal([500, 'internal']);
    expect(await play.accepted()).to.have.lengthOf(1);
  });

  it('logs its webhooks with the responses of the service', async () => {
    await play.set({ receipts: { early_rate: 1 } });
    await play.send();
    const { body } = await play.call('GET', '/_control/webhooks');
    expect(body.data).to.have.lengthOf(2);
    expect(body.data[0]).to.deep.include({
      ...{ dialect: 'standard', url: `${receiver.url}/api/webhooks/sms/status`, status: 200 },
      ...{ body: '{"id":7}', problem: null },
    });
  });

  for (const list of [
    [{ type: 'reset', accepted: true }],
    [{ type: 'latency', ms: 5, code: 'x' }],
    [{ type: 'status', status: 500, accepted: 'yes' }],
    [{ type: 'reset', dialect: 'carrier' }],
  ])
    it(`is not configured by the faults ${JSON.stringify(list)}`, async () => {
      expect((await play.faults(...list.map((each) => ({ channel: 'sms', ...each })))).status).to.equal(422);
    });

  for (const change of [
    { receipts: { early_rate: 2 } },
    { receipts: { loss_rate: -1 } },
    { twilio: { webhook_url: 'nowhere' } },
    { twilio: { senders: 'all' } },
    { twilio: { list_delay_ms: -1 } },
    { twilio: { colour: 'red' } },
    { vonage: { webhook_url: 'nowhere' } },
    { vonage: { unsigned_first: 'yes' } },
    { vonage: { colour: 'red' } },
  ])
    it(`is not configured by the settings ${JSON.stringify(change)}`, async () => {
      expect((await play.set(change)).status).to.equal(422);
    });

  it('keeps the other settings of a dialect when one changes', async () => {
    await play.set({ twilio: { senders: ['+12016661234'] } });
    const { body } = await play.set({ twilio: { list_delay_ms: 5 } });
    expect(body.twilio).to.deep.include({ senders: ['+12016661234'], list_delay_ms: 5, webhook_url: null });
    await play.set({ vonage: { senders: ['12016661234'] } });
    const { body: settings } = await play.set({ vonage: { unsigned_first: true } });
    expect(settings.vonage).to.deep.include({ senders: ['12016661234'], unsigned_first: true });
  });
});
