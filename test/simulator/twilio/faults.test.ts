import { expect } from 'chai';
import { until } from '../../support/until.ts';
import { sms } from '../support.ts';
import { MESSAGES, startReceiver, startTwilio, type Twilio } from './support.ts';

describe('A fault of the simulated Twilio API', () => {
  let twilio: Twilio;
  beforeEach(async () => {
    twilio = await startTwilio();
  });
  afterEach(() => twilio.stop());

  const fault = (fields: object) => twilio.faults({ channel: 'sms', ...fields });
  const lookUp = () => twilio.twilio('GET', `${MESSAGES}.json`);
  const failure = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'a response',
      (error) => error.cause?.code,
    );

  for (const [status, code] of [
    [400, 20001],
    [401, 20003],
    [404, 20404],
    [429, 20429],
    [500, 20500],
    [502, 20500],
    [503, 20503],
  ] as const)
    it(`of type status answers ${status} with the code ${code}, and no message is accepted`, async () => {
      await fault({ type: 'status', status, retry_after: 7 });
      const answer = await twilio.create();
      expect(answer.status).to.equal(status);
      expect(answer.body).to.include({ code, status });
      expect(answer.headers.get('retry-after')).to.equal('7');
      expect(await twilio.accepted()).to.deep.equal([]);
    });

  it('of type status answers the given code', async () => {
    await fault({ type: 'status', status: 400, code: 30034 });
    expect((await twilio.create()).body).to.include({ code: 30034, status: 400 });
  });

  it('of type status accepts the message and sends its callbacks if the fault says so', async () => {
    const receiver = await startReceiver();
    await fault({ type: 'status', status: 500, accepted: true });
    const answer = await twilio.create({ StatusCallback: `${receiver.url}/?key=1` });
    expect([answer.status, answer.body.code]).to.deep.equal([500, 20500]);
    const [first] = await receiver.untilReceived(3);
    const [message] = await twilio.accepted();
    expect(first?.form.get('MessageSid')).to.equal(message?.id);
    expect((await lookUp()).body.messages).to.have.lengthOf(1);
    await receiver.stop();
  });

  it('of type status does not accept a message that Twilio refuses', async () => {
    await fault({ type: 'status', status: 500, accepted: true });
    expect((await twilio.create({ To: '+18040000009' })).status).to.equal(500);
    expect(await twilio.accepted()).to.deep.equal([]);
    expect((await twilio.calls())[0]).to.include({ message_id: null, status_callback: null });
  });

  it('of type lost_response accepts the message, after its early callbacks', async () => {
    const receiver = await startReceiver();
    await twilio.set({ receipts: { early_rate: 1 } });
    await fault({ type: 'lost_response' });
    expect(await failure(twilio.create({ StatusCallback: receiver.url }))).to.equal('UND_ERR_SOCKET');
    expect(receiver.statuses()).to.deep.equal(['sending', 'sent', 'delivered']);
    const [accepted, ...others] = await twilio.accepted();
    expect(others).to.deep.equal([]);
    const call = { message_id: accepted?.id, status_callback: receiver.url, status: null };
    expect((await twilio.calls())[0]).to.include(call);
    await receiver.stop();
  });

  it('of type reset resets the connection, and no message is accepted', async () => {
    await fault({ type: 'reset' });
    expect(await failure(twilio.create())).to.equal('ECONNRESET');
    expect(await twilio.accepted()).to.deep.equal([]);
  });

  it('of type timeout never answers, and no message is accepted', async () => {
    await fault({ type: 'timeout' });
    const attempt = failure(twilio.create());
    await until(async () => (await twilio.calls())[0]?.fault === 'timeout', 'the call is in the log');
    expect(await twilio.accepted()).to.deep.equal([]);
    await twilio.stop();
    expect(await attempt).to.be.a('string');
    twilio = await startTwilio();
  });

  it('of type malformed accepts the message and answers 201 with invalid JSON', async () => {
    await fault({ type: 'malformed' });
    const { status, body } = await twilio.create();
    expect(status).to.equal(201);
    expect(body).to.be.a('string');
    expect(await twilio.accepted()).to.have.lengthOf(1);
  });

  it('of type no_id answers success without a SID, and no message is accepted', async () => {
    await fault({ type: 'no_id', status: 201 });
    const { status, body } = await twilio.create();
    expect([status, body.sid]).to.deep.equal([201, undefined]);
    expect(await twilio.accepted()).to.deep.equal([]);
  });

  it('of type latency delays the response, and further faults apply', async () => {
    await twilio.faults(
      { channel: 'sms', type: 'latency', ms: 80 },
      { channel: 'sms', type: 'status', status: 503 },
    );
    const start = performance.now();
    expect((await twilio.create()).status).to.equal(503);
    expect(performance.now() - start).to.be.at.least(75);
  });

  it('affects look-ups only if it applies to look-ups', async () => {
    await fault({ type: 'status', status: 500 });
    expect((await lookUp()).status).to.equal(200);
    await fault({ type: 'status', status: 429, applies_to: 'lookup' });
    expect([(await lookUp()).body.code, (await twilio.create()).status]).to.deep.equal([20429, 201]);
  });

  it('affects messages to its recipient only', async () => {
    await fault({ type: 'status', status: 500, recipient: '+1804555' });
    expect((await twilio.create({ To: '+18045550000' })).status).to.equal(500);
    expect((await twilio.create({ To: '+12025550000' })).status).to.equal(201);
  });

  it('affects its dialect only', async () => {
    const standard = async () => {
      const headers = { authorization: 'Bearer 0123456789abcdef0123456789abcdef' };
      return (await twilio.call('POST', '/sms/messages', sms, headers)).status;
    };
    await fault({ type: 'status', status: 500, dialect: 'twilio' });
    expect([(await twilio.create()).status, await standard()]).to.deep.equal([500, 202]);
    await fault({ type: 'status', status: 500, dialect: 'standard' });
    expect([(await twilio.create()).status, await standard()]).to.deep.equal([201, 500]);
    await fault({ type: 'status', status: 500 });
    expect([(await twilio.create()).status, await standard()]).to.deep.equal([500, 500]);
  });
});
