import { expect } from 'chai';
import { until } from '../../support/until.ts';
import { errorCodeOf, startReceiver } from '../support.ts';
import { startVonage, type Vonage } from './support.ts';

describe('A fault of the simulated Vonage API', () => {
  let vonage: Vonage;
  beforeEach(async () => {
    vonage = await startVonage();
  });
  afterEach(() => vonage.stop());

  const fault = (fields: object) => vonage.faults({ channel: 'sms', dialect: 'vonage', ...fields });

  for (const [status, page] of [
    [401, '#unauthorized'],
    [402, '#low-balance'],
    [404, '#not-found'],
    [422, '/messages#1020'],
    [429, '/messages#1000'],
    [500, '/messages#1030'],
    [503, '/messages#1030'],
  ] as const)
    it(`of type status answers ${status} with ${page}, and no message is accepted`, async () => {
      await fault({ type: 'status', status, retry_after: 7 });
      const answer = await vonage.create();
      expect(answer.status).to.equal(status);
      expect(answer.body.type).to.equal(`https://developer.vonage.com/api-errors${page}`);
      expect(answer.headers.get('retry-after')).to.equal('7');
      expect(await vonage.accepted()).to.deep.equal([]);
    });

  it('of type status answers the given code, and accepts the message if the fault says so', async () => {
    const receiver = await startReceiver();
    await fault({ type: 'status', status: 422, code: 1331, accepted: true });
    const { status, body } = await vonage.create({ webhook_url: receiver.url });
    expect([status, body.type.split('#')[1]]).to.deep.equal([422, '1331']);
    await until(() => receiver.received.length === 2, 'both statuses are received');
    const [accepted] = await vonage.accepted();
    expect(receiver.received[0]?.body.message_uuid).to.equal(accepted?.id);
    await receiver.stop();
  });

  it('of type status does not accept a message that Vonage refuses', async () => {
    await fault({ type: 'status', status: 500, accepted: true });
    expect((await vonage.create({ to: '18040000009' })).status).to.equal(500);
    expect(await vonage.accepted()).to.deep.equal([]);
  });

  it('of type lost_response accepts the message, after its early statuses', async () => {
    const receiver = await startReceiver();
    await vonage.set({ receipts: { early_rate: 1 } });
    await fault({ type: 'lost_response' });
    expect(await errorCodeOf(vonage.create({ webhook_url: receiver.url }))).to.equal('UND_ERR_SOCKET');
    expect(receiver.statuses()).to.deep.equal(['submitted', 'delivered']);
    const [accepted, ...others] = await vonage.accepted();
    expect(others).to.deep.equal([]);
    const call = { message_id: accepted?.id, status_callback: receiver.url, status: null };
    expect((await vonage.calls())[0]).to.include(call);
    await receiver.stop();
  });

  it('of type reset resets the connection, and no message is accepted', async () => {
    await fault({ type: 'reset' });
    expect(await errorCodeOf(vonage.create())).to.equal('ECONNRESET');
    expect(await vonage.accepted()).to.deep.equal([]);
  });

  it('of type timeout never answers, and no message is accepted', async () => {
    await fault({ type: 'timeout' });
    const attempt = errorCodeOf(vonage.create());
    await until(async () => (await vonage.calls())[0]?.fault === 'timeout', 'the call is in the log');
    expect(await vonage.accepted()).to.deep.equal([]);
    await vonage.stop();
    expect(await attempt).to.be.a('string');
    vonage = await startVonage();
  });

  it('of type malformed accepts the message and answers 202 with invalid JSON', async () => {
    await fault({ type: 'malformed' });
    const { status, body } = await vonage.create();
    expect([status, typeof body]).to.deep.equal([202, 'string']);
    expect(await vonage.accepted()).to.have.lengthOf(1);
  });

  it('of type no_id answers success without a UUID, and no message is accepted', async () => {
    await fault({ type: 'no_id', status: 202 });
    const { status, body } = await vonage.create();
    expect([status, body.message_uuid]).to.deep.equal([202, undefined]);
    expect(await vonage.accepted()).to.deep.equal([]);
  });

  it('of type latency delays the response, and further faults apply', async () => {
    const own = { channel: 'sms', dialect: 'vonage' };
    await vonage.faults({ ...own, type: 'latency', ms: 80 }, { ...own, type: 'status', status: 503 });
    const start = performance.now();
    expect((await vonage.create()).status).to.equal(503);
    expect(performance.now() - start).to.be.at.least(75);
  });

  it('affects messages to its recipient and its dialect only', async () => {
    await fault({ type: 'status', status: 500, recipient: '+1804555' });
    expect((await vonage.create({ to: '18045550000' })).status).to.equal(500);
    expect((await vonage.create({ to: '12025550000' })).status).to.equal(202);
    await fault({ type: 'status', status: 500, dialect: 'twilio' });
    expect((await vonage.create()).status).to.equal(202);
  });
});
