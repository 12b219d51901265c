import { expect } from 'chai';
import { email, inboundSms, mms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('The limits of the contract', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const post = async (path: string, body: object) => {
    const answer = await service.request('POST', path, body);
    return { ...answer, paths: (answer.body.errors ?? []).map((error: { path: string }) => error.path) };
  };

  describe('for lengths count code points', () => {
    const emoji = '\u{1f600}';
    /** Each limit: the path, the field, the maximum number of characters, and a body with this number of characters. */
    const limits: [string, string, number, (text: string) => object][] = [
      ['/api/messages/sms', '/body/body', 1_600, (text) => ({ ...sms, body: text })],
      ['/api/messages/send', '/body/body', 1_600, (text) => ({ ...sms, body: text })],
      ['/api/messages/send', '/body/body', 1_600, (text) => ({ ...mms, body: text })],
      ['/api/messages/email', '/body/subject', 998, (text) => ({ ...email, subject: text })],
      ['/api/messages/send', '/body/subject', 998, (text) => ({ ...email, subject: text })],
      ['/api/messages/sms', '/body/metadata/key', 1_024, (text) => ({ ...sms, metadata: { key: text } })],
      ['/api/messages/sms', '/body/metadata', 64, (text) => ({ ...sms, metadata: { [text]: 'value' } })],
      [
        '/api/webhooks/sms',
        '/body/messaging_provider_id',
        255,
        (text) => ({ ...inboundSms, messaging_provider_id: text }),
      ],
    ];
    for (const [path, field, max, withText] of limits)
      for (const character of ['a', '\u00e9', '\u6f22', emoji])
        it(`in ${field} of ${path}: ${max} times ${character} is accepted, and ${max + 1} times is refused`, async () => {
          expect((await post(path, withText(character.repeat(max)))).status).to.be.oneOf([200, 202]);
          const { status, paths } = await post(path, withText(character.repeat(max + 1)));
          expect([status, paths]).to.deep.equal([422, [field]]);
        });

    it('in a text, which is returned unchanged with its number of segments if it is within the limit', async () => {
      const body = `${emoji.repeat(1_599)}!`;
      const answer = await post('/api/messages/sms', { ...sms, body });
      expect(answer.body.body).to.equal(body);
      expect(answer.body.segments).to.equal(49);
      const { data } = (await service.request('GET', '/api/conversations?participant=%2B18045551234')).body;
      expect(data[0].last_message.preview).to.equal(emoji.repeat(120));
    });

    it('in the name of a participant and in a search', async () => {
      const participants = await service.request('GET', '/api/participants');
      const { id } = participants.body.data[0];
      const name = emoji.repeat(200);
      const named = await service.request('PATCH', `/api/participants/${id}`, { name });
      expect([named.status, named.body.name]).to.deep.equal([200, name]);
      expect(
        (await service.request('PATCH', `/api/participants/${id}`, { name: `${name}a` })).status,
      ).to.equal(422);
      const search = (length: number) =>
        service.request('GET', `/api/messages?q=${'%F0%9F%98%80'.repeat(length)}a`);
      expect((await search(199)).status).to.equal(200);
      expect((await search(200)).status).to.equal(422);
    });
  });

  describe('for times:', () => {
    const accepted: [string, string][] = [
      ['2024-11-01T14:00:00Z', '2024-11-01T14:00:00.000Z'],
      ['2024-11-01t14:00:00z', '2024-11-01T14:00:00.000Z'],
      ['2024-11-01 14:00:00Z', '2024-11-01T14:00:00.000Z'],
      ['2024-11-01T14:00:00.1Z', '2024-11-01T14:00:00.100Z'],
      ['2024-11-01T14:00:00.123456789Z', '2024-11-01T14:00:00.123Z'],
      [`2024-11-01T23:59:59.${'9'.repeat(43)}Z`, '2024-11-01T23:59:59.999Z'],
      ['2024-11-01T14:00:00-00:00', '2024-11-01T14:00:00.000Z'],
      ['2024-11-01T14:00:00+23:59', '2024-10-31T14:01:00.000Z'],
      ['2024-11-01T14:00:00-23:59', '2024-11-02T13:59:00.000Z'],
      ['2024-11-01T14:00:00+0130', '2024-11-01T12:30:00.000Z'],
      ['2024-11-01T14:00:00+01', '2024-11-01T13:00:00.000Z'],
      ['2024-11-01t14:00:00.5+01:30', '2024-11-01T12:30:00.500Z'],
      ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
      ['0000-12-31T23:59:59-01:00', '0001-01-01T00:59:59.000Z'],
      ['0049-11-01 14:00:00+01', '0049-11-01T13:00:00.000Z'],
      ['0099-12-31t23:59:59z', '0099-12-31T23:59:59.000Z'],
      ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
      ['9999-12-31T23:59:59+01:00', '9999-12-31T22:59:59.000Z'],
      ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ];
    for (const [given, stored] of accepted)
      it(`a time is stored as the same instant: ${given}`, async () => {
        const { status, body } = await post('/api/messages/sms', { ...sms, timestamp: given });
        expect([status, body.timestamp]).to.deep.equal([202, stored]);
        const read = await service.request('GET', `/api/messages/${body.id}`);
        expect(read.body.timestamp).to.equal(stored);
      });

    const refused = [
      '9999-12-31T23:59:59-01:00',
      '9999-12-31T23:59:59.999-00:01',
      '0000-01-01T00:00:00Z',
      '0000-12-31T23:59:59Z',
      '0001-01-01T00:00:00+00:01',
      '2016-12-31T23:59:60Z',
      '2016-12-31T23:59:60.5Z',
      '2016-12-31T15:59:60-08:00',
      '2017-01-01T05:29:60+05:30',
      '2024-11-01T14:00:61Z',
      '2024-11-01T14:60:00Z',
      '2024-11-01T24:00:00Z',
      '2024-11-01T14:00:00+24:00',
      '2024-11-01T14:00:00+01:60',
      '2024-11-01T14:00:00',
      '2024-11-01T14:00Z',
      '2024-11-01T14:00:00.Z',
      '2024-11-01T14:00:00,5Z',
      '2024-11-01',
      '2024-02-30T00:00:00Z',
      '2023-02-29T00:00:00Z',
      '2024-13-01T00:00:00Z',
      '2024-11-00T00:00:00Z',
      '+010000-01-01T00:00:00Z',
      '-000001-01-01T00:00:00Z',
      '10000-01-01T00:00:00Z',
      '24-11-01T14:00:00Z',
      '2024-11-01\u00a014:00:00Z',
      '2024-11-01\n14:00:00Z',
      '2024-11-01T14:00:00Z\n',
      ' 2024-11-01T14:00:00Z',
      '\u0662\u0660\u0662\u0664-11-01T14:00:00Z',
      '1730469600',
      'Fri, 01 Nov 2024 14:00:00 GMT',
      `2024-11-01T14:00:00.${'1'.repeat(44)}Z`,
    ];
    for (const given of refused)
      it(`an invalid time is refused at its path in every field: ${JSON.stringify(given)}`, async () => {
        for (const field of ['timestamp', 'send_at', 'expires_at']) {
          const { status, paths } = await post('/api/messages/sms', { ...sms, [field]: given });
          expect([status, paths], field).to.deep.equal([422, [`/body/${field}`]]);
        }
        for (const path of ['/api/messages?since', '/api/messages?until', '/api/conversations?since']) {
          const { status, body } = await service.request('GET', `${path}=${encodeURIComponent(given)}`);
          const parameter = path.split('?')[1];
          expect([status, body.errors[0].path], path).to.deep.equal([422, `/query/${parameter}`]);
        }
      });

    it('a message can be scheduled for the last day of the year 9999', async () => {
      const last = '9999-12-31T23:59:59.999Z';
      const { status, body } = await post('/api/messages/sms', { ...sms, send_at: '9999-12-31T12:00:00Z' });
      expect([status, body.expires_at]).to.deep.equal([202, last]);
      expect((await post('/api/messages/sms', { ...sms, send_at: last })).status).to.equal(202);
    });
  });

  describe('for attachments:', () => {
    const accepted = [
      'https://example.com',
      'HTTP://EXAMPLE.COM/a.jpg',
      'https://example.com:8443/a?b=https://x#c',
      'https://user:password@example.com/',
      'https://user@example.com:80',
      'https://user%40example@example.com/',
      'https://192.0.2.1/a',
      'https://example.com./a',
      'https://example.com:/a',
      'https://example.com:65535/a',
      'https://[2001:db8::1]/a',
      'https://[2001:db8::1]:8443',
      'https://example.com?at=a@b',
      'https://example.com/a@b:c',
      'https://example.com#@',
    ];
    for (const url of accepted)
      it(`a URL is accepted and returned unchanged: ${url}`, async () => {
        const { status, body } = await post('/api/messages/sms', { ...mms, attachments: [url] });
        expect([status, body.attachments]).to.deep.equal([202, [url]]);
      });

    const refused = [
      'http://x.example:99999',
      'http://x.example:65536/a',
      'http://.',
      'http://..',
      'http://.x.example',
      'http://x..example',
      'https://%20',
      'https://a%00b.example',
      'http://1.2.3.4.5',
      'http://256.256.256.256',
      'http://0x100000000',
      'http://[::g]',
      'https://',
      'http://',
      'https:',
      'https:///',
      'https:///x',
      'https:////example.com',
      'https:/example.com',
      'https:example.com',
      'https://?',
      'https://?q=1',
      'https://#',
      'https://#c',
      'https://:80',
      'https://:80/x',
      'https://@',
      'https://@:80/',
      'https://user@',
      'https://user@/x',
      'https://user@?x',
      'https://user:password@',
      'https://user:password@:80/',
      'https://[]/',
      'https://[/',
      'https://]/',
      'https://example.com:port/',
      'https://example.com:-1/',
      'https://a b/',
      'https://example.com/a b',
      'ftp://example.com/',
      '//example.com/',
      'example.com',
      'data:text/plain,a',
    ];
    for (const url of refused)
      it(`a URL without a valid host, or with another scheme, is refused at its path: ${url}`, async () => {
        const { status, paths } = await post('/api/messages/sms', { ...mms, attachments: [url] });
        expect([status, paths]).to.deep.equal([422, ['/body/attachments/0']]);
      });
  });
});
