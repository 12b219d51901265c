import { sign } from 'node:crypto';
import { expect } from 'chai';
import { createTokens } from '../../../src/providers/vonage/token.ts';
import {
  API_KEY,
  API_SECRET,
  APPLICATION_ID,
  PRIVATE_KEY,
  PUBLIC_KEY,
  SIGNATURE_SECRET,
} from '../../support/vonage.ts';
import { startPlay } from '../support.ts';
import { FROM, MESSAGES, message, startVonage, TO, type Vonage } from './support.ts';

const media = { url: 'https://a.example/b.png' };

describe('The simulated Vonage API', () => {
  let vonage: Vonage;
  beforeEach(async () => {
    vonage = await startVonage({ receipts: { enabled: false } });
  });
  afterEach(() => vonage.stop());

  it('accepts a message and responds with its UUID', async () => {
    const { status, body } = await vonage.create({ client_ref: 'echo', future: { field: 1 } });
    expect(status).to.equal(202);
    expect(body).to.have.all.keys('message_uuid');
    const [accepted] = await vonage.accepted();
    expect(accepted).to.include({
      id: body.message_uuid,
      dialect: 'vonage',
      channel: 'sms',
      request_count: 1,
    });
    expect(accepted?.request).to.include({ ...message, client_ref: 'echo' });
    expect((await vonage.calls())[0]).to.include({ dialect: 'vonage', path: MESSAGES, status: 202 });
  });

  it('accepts the same message twice', async () => {
    await vonage.create();
    await vonage.create();
    expect(await vonage.accepted()).to.have.lengthOf(2);
  });

  for (const type of ['image', 'audio', 'video', 'vcard', 'file'])
    it(`accepts an MMS with the type ${type}`, async () => {
      const mms = {
        channel: 'mms',
        message_type: type,
        [type]: { ...media, caption: 'Look' },
        text: undefined,
      };
      expect((await vonage.create(mms)).status).to.equal(202);
    });

  const cases: [title: string, fields: object, code: number][] = [
    ['a recipient with +', { to: '+18045551234' }, 1430],
    ['a recipient that is not a number', { to: 'nobody' }, 1430],
    ['a message to its sender', { to: FROM }, 1430],
    ['a sender with +', { from: '+12016661234' }, 1420],
    ['a sender with too many characters', { from: 'x'.repeat(21) }, 1420],
    ['a text of 1,001 characters', { text: 'x'.repeat(1_001) }, 1020],
    ['a message without a text', { text: undefined }, 1020],
    ['a media file as SMS', { message_type: 'image', image: media }, 1440],
    ['an unknown type', { message_type: 'hologram' }, 1440],
    ['an unknown channel', { channel: 'telegraph' }, 1440],
    [
      'a media URL that is not a web URL',
      { channel: 'mms', message_type: 'image', image: { url: 'x' } },
      1020,
    ],
    ['a client_ref of 41 characters', { client_ref: 'x'.repeat(41) }, 1450],
    ['a recipient that ends with 0000009', { to: '18040000009' }, 1430],
    ['a recipient with the code 1070', { to: '18040001070' }, 1070],
  ];
  for (const [title, fields, code] of cases)
    it(`refuses ${title} with 422 and ${code}`, async () => {
      const { status, body } = await vonage.create(fields);
      expect(status).to.equal(422);
      expect(body).to.have.all.keys('type', 'title', 'detail', 'instance');
      expect(body.type).to.equal(`https://developer.vonage.com/api-errors/messages#${code}`);
      expect(await vonage.accepted()).to.deep.equal([]);
    });

  it('refuses a sender that is not in the list of senders', async () => {
    await vonage.set({ vonage: { senders: ['72000', 'Shop'] } });
    expect((await vonage.create()).body.type).to.match(/#1420$/);
    for (const from of ['72000', 'Shop']) expect((await vonage.create({ from })).status).to.equal(202);
  });

  it('refuses a body that is not JSON, and another path or method', async () => {
    const authorization = `Bearer ${createTokens(APPLICATION_ID, PRIVATE_KEY)()}`;
    const json = { 'content-type': 'application/json', authorization };
    expect((await vonage.call('POST', MESSAGES, '{', json)).status).to.equal(422);
    expect(
      (await vonage.call('POST', MESSAGES, 'x', { ...json, 'content-type': 'text/plain' })).status,
    ).to.equal(415);
    expect((await vonage.call('GET', MESSAGES, undefined, { authorization })).status).to.equal(405);
    const other = await vonage.call('POST', '/vonage/v1/texts', message, { authorization });
    expect([other.status, other.body.type]).to.deep.equal([
      404,
      'https://developer.vonage.com/api-errors#not-found',
    ]);
  });

  it('requires a current token of the application, signed by RS256 with its key', async () => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1_000);
    const tokenOf = (claims: object, header: object = {}) => {
      const own = { application_id: APPLICATION_ID, iat: now, exp: now + 60, jti: '1', ...claims };
      const content = `${encode({ alg: 'RS256', typ: 'JWT', ...header })}.${encode(own)}`;
      return `Bearer ${content}.${sign('sha256', Buffer.from(content), PRIVATE_KEY).toString('base64url')}`;
    };
    expect((await vonage.create({}, tokenOf({}))).status).to.equal(202);
    const good = tokenOf({});
    for (const authorization of [
      ...['', 'Bearer x', 'Bearer a.b.c', `${good}x`, good.replace('Bearer', 'Basic')],
      tokenOf({ application_id: 'another' }),
      tokenOf({ exp: now - 1 }),
      tokenOf({ exp: now + 90_000 }),
      tokenOf({ iat: now + 600 }),
      tokenOf({ iat: undefined }),
      tokenOf({ exp: undefined }),
      tokenOf({ jti: undefined }),
      tokenOf({}, { alg: 'HS256' }),
    ]) {
      const { status, body } = await vonage.create({}, authorization);
      expect(status, authorization).to.equal(401);
      expect(body.type).to.match(/#unauthorized$/);
    }
    expect(await vonage.accepted()).to.have.lengthOf(1);
  });

  it('has the application, for the API key and its secret', async () => {
    const read = (id: string, user = API_KEY, password = API_SECRET) => {
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      return vonage.call('GET', `/vonage/v2/applications/${id}`, undefined, { authorization });
    };
    const { status, body } = await read(APPLICATION_ID);
    expect([status, body.id, body.keys.public_key]).to.deep.equal([200, APPLICATION_ID, PUBLIC_KEY]);
    expect((await read('another')).status).to.equal(404);
    for (const [user, password] of [
      ['another', API_SECRET],
      [API_KEY, 'wrong'],
      [API_KEY, `${API_SECRET}:x`],
    ])
      expect((await read(APPLICATION_ID, user, password)).status).to.equal(401);
  });

  it('rejects messages to a recipient who sent STOP until START, if the account has Opt-Out Assist', async () => {
    await vonage.set({ receipts: { enabled: true } });
    const reply = (text: string) => vonage.inbound({ from: TO, to: FROM, text });
    const lastStatus = async () => {
      await vonage.create();
      return (await vonage.accepted()).at(-1)?.receipts.at(-1)?.status;
    };
    await reply(' Stop ');
    expect(await lastStatus()).to.equal('delivered');
    await vonage.set({ vonage: { opt_out_assist: true } });
    await reply(' Stop ');
    expect(await lastStatus()).to.equal('rejected');
    await reply('START');
    expect(await lastStatus()).to.equal('delivered');
  });

  it('accepts the token of any key if none is configured', async () => {
    const play = await startPlay({ apiKey: SIGNATURE_SECRET, vonage: { applicationId: APPLICATION_ID } });
    const authorization = `Bearer ${createTokens(APPLICATION_ID, PRIVATE_KEY)()}`;
    expect((await play.call('POST', MESSAGES, message, { authorization })).status).to.equal(202);
    expect((await play.call('POST', MESSAGES, message, { authorization: 'Bearer x' })).status).to.equal(401);
    await play.stop();
  });
});
