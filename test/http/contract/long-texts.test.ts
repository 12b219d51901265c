import { expect } from 'chai';
import { email, inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const MEGABYTES = 9_000_000;

describe('A text of megabytes', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const long = 'a'.repeat(MEGABYTES);
  const cases: [string, object, string][] = [
    ['a URL', { attachments: [`https://example.com/${long}`] }, '/body/attachments/0'],
    ['a URL of escapes', { attachments: [`https://${'%41'.repeat(MEGABYTES / 3)}`] }, '/body/attachments/0'],
    ['a URL of at signs', { attachments: [`https://${'@'.repeat(MEGABYTES)}`] }, '/body/attachments/0'],
    ['a URL of slashes', { attachments: [`https:${'/'.repeat(MEGABYTES)}`] }, '/body/attachments/0'],
    ['a URL without a scheme', { attachments: [long] }, '/body/attachments/0'],
    [
      'a fraction of a second',
      { timestamp: `2024-11-01T14:00:00.${'1'.repeat(MEGABYTES)}Z` },
      '/body/timestamp',
    ],
    ['a time of letters', { send_at: 'T'.repeat(MEGABYTES) }, '/body/send_at'],
    ['a time of white space', { expires_at: ' '.repeat(MEGABYTES) }, '/body/expires_at'],
    ['an address', { to: `${long}@example.com` }, '/body/to'],
    ['one address of several', { to: ['a@example.com', '<'.repeat(MEGABYTES)] }, '/body/to/1'],
    ['a subject', { subject: long }, '/body/subject'],
    ['a reply address', { reply_to: '['.repeat(MEGABYTES) }, '/body/reply_to'],
    ['a value of metadata', { metadata: { key: long } }, '/body/metadata/key'],
    ['a name of metadata', { metadata: { [long]: 'value' } }, '/body/metadata'],
  ];
  for (const [title, part, path] of cases)
    it(`is refused at its path, and the response is short: ${title}`, async () => {
      const { status, body } = await service.request('POST', '/api/messages/send', { ...email, ...part });
      expect(status).to.equal(422);
      expect(body.errors.map((error: { path: string }) => error.path)).to.include(path);
      expect(JSON.stringify(body).length).to.be.below(10_000);
    });

  it('is refused as the name of an unknown field, and the response has a shortened name', async () => {
    const { status, body } = await service.request('POST', '/api/messages/send', { ...email, [long]: 1 });
    expect(status).to.equal(422);
    expect(JSON.stringify(body).length).to.be.below(10_000);
  });

  for (const [title, character] of [
    ['of another alphabet', '\u0436'],
    ['of emoji', '\u{1f600}'],
    ['of combining marks', '\u0301'],
    ['of the extension table', '~'],
  ] as const)
    it(`is recorded from a webhook without a number of segments: ${title}`, async () => {
      const text = character.repeat(
        character === '~' ? 1_000_000 : (500_000 / Buffer.byteLength(character)) * 2,
      );
      const event = { ...inboundSms, messaging_provider_id: title, body: text };
      const { status, body } = await service.request('POST', '/api/webhooks/sms', event);
      expect(status).to.equal(200);
      expect(body.body).to.equal(text);
      expect(body.segments).to.equal(null);
    });
});

describe('The media type of a request', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('may have any case and any parameters', async () => {
    for (const type of [
      'Application/JSON',
      'application/json;charset=UTF-8',
      'application/json; charset="utf-8"; profile=x',
      'application/json ; x=1',
      `application/json${';'.repeat(10_000)}`,
    ]) {
      const { status } = await service.request('POST', '/api/messages/sms', sms, { 'content-type': type });
      expect(status, type.slice(0, 60)).to.equal(202);
    }
  });

  it('is ignored by an operation without a body', async () => {
    for (const type of ['application/json', 'text/plain; x=1', 'nonsense', ';', '/']) {
      const { status } = await service.request('GET', '/healthz', undefined, { 'content-type': type });
      expect(status, type).to.equal(200);
    }
  });
});
