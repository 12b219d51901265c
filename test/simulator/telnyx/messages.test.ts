import { expect } from 'chai';
import { PROFILE_ID } from '../../../src/simulator/dialects/telnyx/message.ts';
import { until } from '../../support/until.ts';
import { FROM, startTelnyx, type Telnyx, TO } from './support.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe("The simulator's messages of Telnyx", () => {
  let telnyx: Telnyx;
  before(async () => {
    telnyx = await startTelnyx({ receipts: { enabled: false } });
  });
  after(() => telnyx.stop());
  beforeEach(() => telnyx.call('POST', '/_control/reset'));

  it('are created by each request, and read by their id', async () => {
    const { status, headers, body } = await telnyx.create();
    expect(status).to.equal(200);
    expect(headers.get('x-ratelimit-limit')).to.equal('50');
    expect(body.data).to.deep.include({ type: 'SMS', text: 'Hello', direction: 'outbound', parts: 1 });
    expect(body.data.id).to.match(UUID);
    expect(body.data.to[0]).to.include({ phone_number: TO, status: 'queued' });
    expect(body.data).to.not.have.property('group_message_id');
    const delivered = await until(async () => {
      const { data } = (await telnyx.telnyx('GET', `/messages/${body.data.id}`)).body;
      return data.to[0].status === 'delivered' && data;
    }, 'the message is delivered');
    expect(delivered.completed_at).to.be.a('string');
    expect((await telnyx.create()).body.data.id).to.not.equal(body.data.id);
  });

  it('to a group have one id, and a status of each recipient', async () => {
    const to = [TO, '+18040040008'];
    const { data } = (await telnyx.createGroup(to)).body;
    expect(data).to.include({ type: 'MMS', group_message_id: data.id });
    const statuses = await until(async () => {
      const now = (await telnyx.telnyx('GET', `/messages/${data.id}`)).body.data.to;
      const own: string[] = now.map(({ status }: { status: string }) => status);
      return own.every((status) => status.startsWith('deliver')) && own;
    }, 'the group message has its last statuses');
    expect(statuses).to.deep.equal(['delivered', 'delivery_failed']);
  });

  it('are logged as accepted messages and as calls', async () => {
    const callback = 'http://127.0.0.1:1/in?echo=1';
    const { data } = (await telnyx.create({ webhook_url: callback })).body;
    const accepted = (await telnyx.call('GET', '/_control/messages')).body.data;
    expect(accepted[0]).to.deep.include({ id: data.id, dialect: 'telnyx', channel: 'sms' });
    expect(accepted[0].request).to.include({ to: TO, from: FROM });
    const calls = (await telnyx.call('GET', '/_control/calls')).body.data;
    expect(calls[0]).to.include({ dialect: 'telnyx', message_id: data.id, status_callback: callback });
  });

  const refusals: [string, object, number, string][] = [
    ['no recipient', { to: undefined }, 422, '10004'],
    ['several recipients', { to: [TO, FROM] }, 400, '40310'],
    ['an invalid number', { to: '12' }, 400, '40310'],
    ['no sender and no messaging profile', { from: undefined }, 422, '10004'],
    ['an invalid sender', { from: '+1 (201)' }, 400, '40305'],
    ['no content', { text: '' }, 400, '40316'],
    ['an MMS without media and subject', { type: 'MMS' }, 400, '40304'],
    ['an SMS with media', { type: 'SMS', media_urls: ['https://a.example/b'] }, 400, '40304'],
    ['another type', { type: 'FAX' }, 400, '10015'],
    ['eleven media', { media_urls: Array(11).fill('https://a.example/b') }, 400, '40317'],
    ['a media URL that is none', { media_urls: ['b.png'] }, 400, '40317'],
    ['a callback URL that is none', { webhook_url: 'x' }, 400, '10003'],
    ['eleven parts', { text: 'x'.repeat(1_531) }, 400, '40302'],
    ['a number for a code', { to: '+18040040322' }, 400, '40322'],
    ['a number that ends with 0000009', { to: '+12010000009' }, 400, '40310'],
  ];
  for (const [title, change, status, code] of refusals)
    it(`with ${title} are refused with ${code}`, async () => {
      const answer = await telnyx.create(change);
      expect([answer.status, answer.body.errors[0].code]).to.deep.equal([status, code]);
      expect(answer.body.errors[0]).to.have.keys('code', 'title', 'detail', 'meta');
      expect((await telnyx.call('GET', '/_control/messages')).body.data).to.deep.equal([]);
    });

  it('to nine recipients, or from a sender of another account, are refused', async () => {
    const nine = Array.from({ length: 9 }, (_, n) => `+1804555123${n}`);
    expect((await telnyx.createGroup(nine)).body.errors[0].code).to.equal('40310');
    await telnyx.call('PUT', '/_control/settings', { telnyx: { senders: ['+12010001111'] } });
    expect((await telnyx.create()).body.errors[0].code).to.equal('40305');
    expect((await telnyx.create({ from: '+12010001111' })).status).to.equal(200);
  });

  it('are refused after STOP until START, for every sender of the profile', async () => {
    const say = (text: string) => telnyx.inbound({ from: TO, to: FROM, text });
    await say('Stop all');
    const refused = await telnyx.create({ from: '+12010001111' });
    expect([refused.status, refused.body.errors[0].code]).to.deep.equal([409, '40300']);
    expect((await telnyx.createGroup([FROM, TO])).status).to.equal(409);
    await say('yes');
    expect((await telnyx.create()).status).to.equal(409);
    await say('UNSTOP');
    expect((await telnyx.create()).status).to.equal(200);
  });

  it('need the key, and an unknown path or id is not found', async () => {
    const wrong = await telnyx.telnyx('POST', '/messages', { to: TO, from: FROM, text: 'x' }, 'wrong-key');
    expect([wrong.status, wrong.body.errors[0].code]).to.deep.equal([401, '10009']);
    for (const path of [`/messages/${crypto.randomUUID()}`, '/texts'])
      expect((await telnyx.telnyx('GET', path)).status).to.equal(404);
    expect((await telnyx.telnyx('GET', '/messages/5')).body.errors[0].code).to.equal('10006');
  });

  it('have a messaging profile, which can be disabled', async () => {
    const list = await telnyx.telnyx('GET', '/messaging_profiles?page%5Bsize%5D=1');
    expect(list.body.data).to.have.lengthOf(1);
    const read = async () => (await telnyx.telnyx('GET', `/messaging_profiles/${PROFILE_ID}`)).body.data;
    expect(await read()).to.include({ id: PROFILE_ID, enabled: true });
    await telnyx.call('PUT', '/_control/settings', { telnyx: { profile_enabled: false } });
    expect(await read()).to.include({ enabled: false });
    expect((await telnyx.telnyx('GET', `/messaging_profiles/${crypto.randomUUID()}`)).status).to.equal(404);
  });

  describe('with a fault', () => {
    const faults = (...list: object[]) =>
      telnyx.call(
        'PUT',
        '/_control/faults',
        list.map((fault) => ({ channel: 'sms', dialect: 'telnyx', ...fault })),
      );
    const accepted = async () => (await telnyx.call('GET', '/_control/messages')).body.data.length;

    for (const [status, code] of [
      [401, '10009'],
      [403, '10010'],
      [404, '10005'],
      [409, '40300'],
      [429, '10011'],
      [500, '10007'],
      [503, '10007'],
      [400, '10015'],
    ] as const)
      it(`of the status ${status} have the code ${code}`, async () => {
        await faults({ type: 'status', status });
        const answer = await telnyx.create();
        expect([answer.status, answer.body.errors[0].code]).to.deep.equal([status, code]);
        expect(await accepted()).to.equal(0);
      });

    it('have the given code, and may be accepted nevertheless', async () => {
      await faults(
        { type: 'status', status: 400, code: 40318, retry_after: 7, times: 1 },
        { type: 'status', status: 500, accepted: true },
      );
      const answer = await telnyx.create();
      expect(answer.body.errors[0].code).to.equal('40318');
      expect(answer.headers.get('retry-after')).to.equal('7');
      expect((await telnyx.create()).status).to.equal(500);
      expect(await accepted()).to.equal(1);
    });

    it('that loses the response are accepted', async () => {
      await faults({ type: 'lost_response', times: 1 });
      expect(await telnyx.create().catch(() => null)).to.equal(null);
      expect(await accepted()).to.equal(1);
    });

    it('affect look-ups, and only the recipients that they name', async () => {
      const { data } = (await telnyx.create()).body;
      await faults(
        { type: 'status', status: 503, applies_to: 'lookup' },
        { type: 'status', status: 429, recipient: '5555' },
      );
      expect((await telnyx.telnyx('GET', `/messages/${data.id}`)).status).to.equal(503);
      expect((await telnyx.createGroup([TO, '+18045555555'])).status).to.equal(429);
      expect((await telnyx.create()).status).to.equal(200);
    });
  });
});
