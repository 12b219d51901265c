import { expect } from 'chai';
import { ACCOUNT_SID, DEFAULT_AUTH_TOKEN } from '../../../src/simulator/dialects/twilio/dialect.ts';
import { signForm } from '../../../src/simulator/dialects/twilio/webhooks/signature.ts';
import { startPlay } from '../support.ts';
import {
  AUTH_TOKEN,
  basic,
  MESSAGES,
  type Receiver,
  type Reply,
  startReceiver,
  startTwilio,
  TWIML,
  type Twilio,
} from './support.ts';

describe('An inbound message of the simulated Twilio account', () => {
  let twilio: Twilio;
  let receiver: Receiver;
  let reply: Reply;
  beforeEach(async () => {
    reply = {};
    receiver = await startReceiver(() => reply);
    twilio = await startTwilio({ service_url: receiver.url });
  });
  afterEach(async () => {
    await twilio.stop();
    await receiver.stop();
  });

  async function received(fields: object = {}) {
    await twilio.inbound(fields);
    return receiver.received.at(-1) ?? expect.fail('no webhook was received');
  }

  it('is sent to the webhook URL of the account, signed, and the reply is returned', async () => {
    const answer = await twilio.inbound();
    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({ status: 200, body: TWIML });
    const [{ path, headers, form } = expect.fail('no webhook was received')] = receiver.received;
    expect(path).to.equal('/api/webhooks/twilio');
    expect(headers['x-twilio-signature']).to.equal(signForm(AUTH_TOKEN, receiver.url + path, form));
    expect(headers['i-twilio-idempotency-token']).to.match(/^[\da-f-]{36}$/);
    const sid = form.get('MessageSid');
    expect(sid).to.match(/^SM[\da-f]{32}$/);
    expect(Object.fromEntries(form)).to.deep.include({
      ...{ SmsMessageSid: sid, SmsSid: sid, AccountSid: ACCOUNT_SID, ApiVersion: '2010-04-01' },
      ...{ From: '+18045551234', To: '+12016661234', Body: 'Hello' },
      ...{ NumMedia: '0', NumSegments: '1', SmsStatus: 'received', ToCity: '', FromCountry: 'US' },
    });
    expect(form.has('OptOutType')).to.equal(false);
  });

  it('has the given parameters, also repeated and undocumented parameters', async () => {
    const { form, headers, path } = await received({
      ...{ From: '+18040000000', Body: ' a+b & ü \n', MessageSid: `SM${'c'.repeat(32)}` },
      ...{ Future: ['b', 'a', 1] },
    });
    expect(form.get('From')).to.equal('+18040000000');
    expect(form.get('Body')).to.equal(' a+b & ü \n');
    expect(form.get('SmsSid')).to.equal(`SM${'c'.repeat(32)}`);
    expect(form.getAll('Future')).to.deep.equal(['b', 'a', '1']);
    expect(headers['x-twilio-signature']).to.equal(signForm(AUTH_TOKEN, receiver.url + path, form));
  });

  it('has undocumented parameters if they are configured', async () => {
    await twilio.set({ twilio: { unknown_fields: true } });
    expect((await received()).form.getAll('FutureList')).to.deep.equal(['b', 'a']);
  });

  it('is in the list of messages', async () => {
    const { form } = await received({ Body: 'Ahoy' });
    const { body } = await twilio.twilio('GET', `${MESSAGES}.json?To=%2B12016661234`);
    expect(body.messages).to.have.lengthOf(1);
    expect(body.messages[0]).to.include({
      ...{ sid: form.get('MessageSid'), direction: 'inbound', status: 'received', body: 'Ahoy' },
    });
  });

  for (const [text, type] of [
    ['STOP', 'STOP'],
    [' unsubscribe ', 'STOP'],
    ['Start', 'START'],
    ['HELP', 'HELP'],
    ['stop it', null],
  ] as const)
    it(`has the OptOutType ${type} for the text "${text}"`, async () => {
      expect((await received({ Body: text })).form.get('OptOutType')).to.equal(type);
    });

  it('has media, which are read with the credentials through a redirect', async () => {
    const { form } = await received({ NumMedia: 2, MediaContentType1: 'image/gif' });
    expect(form.get('MessageSid')).to.match(/^MM/);
    expect(form.get('NumMedia')).to.equal('2');
    expect(form.get('MediaContentType0')).to.equal('image/png');
    const url = String(form.get('MediaUrl1'));
    expect((await fetch(url)).status).to.equal(401);
    const authorization = basic(ACCOUNT_SID, AUTH_TOKEN);
    const redirect = await fetch(url, { headers: authorization, redirect: 'manual' });
    expect(redirect.status).to.equal(307);
    const target = String(redirect.headers.get('location'));
    expect((await fetch(target, { headers: authorization })).status).to.equal(400);
    const media = await fetch(target);
    expect(media.headers.get('content-type')).to.equal('image/gif');
    expect((await media.arrayBuffer()).byteLength).to.be.above(0);
  });

  it('counts given media URLs', async () => {
    const { form } = await received({ MediaUrl0: 'https://a.example/b', MediaContentType0: 'video/mp4' });
    expect(form.get('NumMedia')).to.equal('1');
    expect(form.get('MediaUrl0')).to.equal('https://a.example/b');
    expect(form.get('MediaContentType0')).to.equal('video/mp4');
  });

  it('is sent to the account that is configured', async () => {
    await twilio.set({ provider_name: 'twilio_eu' });
    expect((await received()).path).to.equal('/api/webhooks/twilio_eu');
  });

  it('is sent to another webhook URL, with its connection overrides', async () => {
    reply = { status: 503 };
    await twilio.set({ twilio: { webhook_url: `${receiver.url}/other?a=1#rc=2&rp=5xx` } });
    expect((await twilio.inbound()).body.status).to.equal(503);
    expect(receiver.received.map(({ path }) => path)).to.deep.equal(Array(3).fill('/other?a=1'));
  });

  for (const [title, answer, problem] of [
    ['TwiML', {}, null],
    ['TwiML without an XML declaration', { body: '<Response/>' }, null],
    ['TwiML with a reply', { body: '<Response><Message>Hi</Message></Response>' }, null],
    ['JSON', { type: 'application/json', body: '{}' }, '12300: the content type is application/json'],
    ['text', { type: 'text/plain', body: '' }, '12300: the content type is text/plain'],
    ['another XML document', { body: '<Reply/>' }, '12100: the body is not a TwiML document'],
    ['no body', { body: '' }, '12100: the body is not a TwiML document'],
    ['a 401', { status: 401 }, 'the status is 401'],
  ] as const)
    it(`is logged with ${problem === null ? 'no problem' : `"${problem}"`} if the reply is ${title}`, async () => {
      reply = answer;
      await twilio.inbound();
      const [call] = await twilio.webhooks();
      expect(call).to.include({ dialect: 'twilio', url: `${receiver.url}/api/webhooks/twilio`, problem });
      expect(call?.body).to.equal('body' in answer ? answer.body : TWIML);
    });

  it('is answered with 502 if the service is unavailable', async () => {
    await receiver.stop();
    const { status, body } = await twilio.inbound();
    expect([status, body.error.code]).to.deep.equal([502, 'unreachable']);
    receiver = await startReceiver();
  });

  for (const fields of [
    { channel: 'email' },
    { dialect: 'carrier' },
    { Body: { text: 'Hi' } },
    { Body: null },
    { NumMedia: 11 },
    { NumMedia: 'many' },
    { Future: [] },
  ])
    it(`is refused with ${JSON.stringify(fields)}`, async () => {
      expect((await twilio.inbound(fields)).status).to.equal(422);
      expect(receiver.received).to.deep.equal([]);
    });

  it('is signed with a known token if the simulator accepts any credentials', async () => {
    const play = await startPlay({ settings: { service_url: receiver.url } });
    await play.call('POST', '/_control/inbound', { channel: 'sms', dialect: 'twilio' });
    const [{ path, headers, form } = expect.fail('no webhook was received')] = receiver.received;
    expect(headers['x-twilio-signature']).to.equal(signForm(DEFAULT_AUTH_TOKEN, receiver.url + path, form));
    await play.stop();
  });
});
