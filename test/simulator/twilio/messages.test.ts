import { expect } from 'chai';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import { startPlay } from '../support.ts';
import { API_KEY, basic, FROM, MESSAGES, startTwilio, TO, type Twilio } from './support.ts';

const SERVICE = `MG${'b'.repeat(32)}`;

describe('The simulated Twilio API', () => {
  let twilio: Twilio;
  beforeEach(async () => {
    // The delay keeps each message in its first status.
    twilio = await startTwilio({ receipts: { delay_ms: 60_000 } });
  });
  afterEach(() => twilio.stop());

  it('creates a message and returns it with 201 in the form of the Message resource', async () => {
    const { status, body } = await twilio.create({ Body: 'Ahoy 👋' });
    expect(status).to.equal(201);
    expect(body.sid).to.match(/^SM[0-9a-f]{32}$/);
    const { date_created, ...resource } = body;
    expect(date_created).to.match(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/);
    expect(resource).to.deep.equal({
      account_sid: ACCOUNT_SID,
      api_version: '2010-04-01',
      body: 'Ahoy 👋',
      date_sent: null,
      date_updated: date_created,
      direction: 'outbound-api',
      error_code: null,
      error_message: null,
      from: FROM,
      messaging_service_sid: null,
      num_media: '0',
      num_segments: '1',
      price: null,
      price_unit: 'USD',
      sid: body.sid,
      status: 'queued',
      subresource_uris: { media: `${MESSAGES}/${body.sid}/Media.json` },
      to: TO,
      uri: `${MESSAGES}/${body.sid}.json`,
    });
    expect((await twilio.fetchMessage(body.sid)).body).to.deep.equal(body);
  });

  it('counts the segments of a long message', async () => {
    expect((await twilio.create({ Body: 'x'.repeat(161) })).body.num_segments).to.equal('2');
    expect((await twilio.create({ Body: 'ü😀'.repeat(30) })).body.num_segments).to.equal('2');
  });

  it('accepts a message of a Messaging Service without a sender, and chooses the sender later', async () => {
    const { status, body } = await twilio.create({ From: '', MessagingServiceSid: SERVICE });
    expect(status).to.equal(201);
    const expected = { from: null, status: 'accepted', num_segments: '0', messaging_service_sid: SERVICE };
    expect(body).to.include(expected);
    const { body: withSender } = await twilio.create({ MessagingServiceSid: SERVICE });
    expect(withSender).to.include({ from: FROM, status: 'accepted', num_segments: '1' });
  });

  it('creates one more message for each repeated request', async () => {
    const headers = { 'idempotency-key': 'same' };
    const send = () => twilio.twilio('POST', `${MESSAGES}.json`, { To: TO, From: FROM, Body: 'Hi' }, headers);
    const sids = [(await send()).body.sid, (await send()).body.sid];
    expect(new Set(sids).size).to.equal(2);
  });

  it('shows accepted messages in the control API, with their parameters', async () => {
    const { body } = await twilio.create({ MediaUrl: 'https://a.example/b.png' });
    const [message] = await twilio.accepted();
    expect(message).to.deep.include({ id: body.sid, dialect: 'twilio', channel: 'sms', sequence: 1 });
    expect(message?.request).to.deep.include({ To: TO, MediaUrl: ['https://a.example/b.png'] });
    expect((await twilio.calls())[0]).to.include({ dialect: 'twilio', method: 'POST', status: 201 });
  });

  it('removes the body of a message', async () => {
    const { sid } = (await twilio.create()).body;
    const { status, body } = await twilio.twilio('POST', `${MESSAGES}/${sid}.json`, { Body: '' });
    expect([status, body.body, body.sid]).to.deep.equal([200, '', sid]);
    expect((await twilio.fetchMessage(sid)).body.body).to.equal('');
    expect((await twilio.twilio('POST', `${MESSAGES}/${sid}.json`, { Body: 'new' })).status).to.equal(400);
  });

  it('refuses to cancel a message that is not scheduled', async () => {
    const { sid } = (await twilio.create()).body;
    const { status, body } = await twilio.twilio('POST', `${MESSAGES}/${sid}.json`, { Status: 'canceled' });
    expect([status, body.code]).to.deep.equal([409, 30409]);
  });

  it('deletes a message', async () => {
    const { sid } = (await twilio.create()).body;
    expect((await twilio.twilio('DELETE', `${MESSAGES}/${sid}.json`)).status).to.equal(204);
    for (const method of ['GET', 'DELETE'])
      expect((await twilio.twilio(method, `${MESSAGES}/${sid}.json`)).body.code).to.equal(20404);
  });

  it('forgets its messages after a reset', async () => {
    const { sid } = (await twilio.create()).body;
    await twilio.call('POST', '/_control/reset');
    expect((await twilio.fetchMessage(sid)).status).to.equal(404);
    expect(await twilio.accepted()).to.deep.equal([]);
  });

  for (const [method, path] of [
    ['GET', `${MESSAGES}/SM${'0'.repeat(32)}.json`],
    ['GET', `/2010-04-01/Accounts/${ACCOUNT_SID}/Calls.json`],
    ['GET', `/2010-04-01/Accounts/AC${'1'.repeat(32)}/Messages.json`],
    ['GET', '/2010-04-01/Accounts/nobody/Messages.json'],
    ['GET', `/2008-08-01/Accounts/${ACCOUNT_SID}/Messages.json`],
  ] as const)
    it(`answers 404 for ${path}`, async () => {
      expect((await twilio.twilio(method, path)).status).to.equal(404);
    });

  it('answers 405 for an unknown method', async () => {
    const { status, body } = await twilio.twilio('PUT', `${MESSAGES}.json`, {});
    expect([status, body.code]).to.deep.equal([405, 20004]);
  });
});

describe('The credentials of the simulated Twilio API', () => {
  let twilio: Twilio;
  before(async () => {
    twilio = await startTwilio();
  });
  after(() => twilio.stop());

  for (const [title, headers, status] of [
    ['the auth token of another account', basic(ACCOUNT_SID, 'f'.repeat(32)), 401],
    ['the account SID of another account', basic(`AC${'1'.repeat(32)}`, 'f'.repeat(32)), 401],
    ['a bearer token', { authorization: 'Bearer x' }, 401],
    ['no credentials', { authorization: '' }, 401],
    ['the secret of another API key', basic(API_KEY.sid, 'other'), 401],
    ['the API key', basic(API_KEY.sid, API_KEY.secret), 201],
  ] as const)
    it(`are ${status === 401 ? 'refused' : 'accepted'} if they are ${title}`, async () => {
      const form = { To: TO, From: FROM, Body: 'Hi' };
      const answer = await twilio.twilio('POST', `${MESSAGES}.json`, form, headers);
      expect(answer.status).to.equal(status);
      if (status === 401)
        expect(answer.body).to.deep.equal({
          code: 20003,
          message: 'Authenticate',
          more_info: 'https://www.twilio.com/docs/errors/20003',
          status: 401,
        });
    });

  it('are arbitrary without a configured key', async () => {
    const play = await startPlay();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...basic('any', 'thing') };
    const body = 'To=%2B18045551234&From=%2B12016661234&Body=Hi';
    const answer = await play.call('POST', `/twilio${MESSAGES}.json`, body, headers);
    expect(answer.status).to.equal(201);
    await play.stop();
  });
});
