import { expect } from 'chai';
import { inboundEmail, inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const WEBHOOKS = [
  ['/api/webhooks/sms', inboundSms, 'messaging_provider_id'],
  ['/api/webhooks/email', inboundEmail, 'xillio_id'],
  ['/api/webhooks/sms/status', { status: 'sent' }, 'messaging_provider_id'],
  ['/api/webhooks/email/status', { status: 'sent' }, 'xillio_id'],
] as const;

describe('A webhook', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  let count = 0;
  /** Delivers one webhook of each kind. `type` null sends no Content-Type. */
  const deliver = async (query: string, type: string | null) => {
    const statuses = [];
    for (const [path, event, id] of WEBHOOKS) {
      const body = Buffer.from(JSON.stringify({ ...event, [id]: `request-${++count}` }));
      const headers: Record<string, string> = type === null ? {} : { 'content-type': type };
      statuses.push((await fetch(service.url + path + query, { method: 'POST', headers, body })).status);
    }
    return statuses;
  };
  const allAre = (status: number) => Array(WEBHOOKS.length).fill(status);

  it('may have unknown query parameters', async () => {
    for (const query of [
      '?bodySHA256=abc',
      '?a=1&a=2',
      '?a[b]=1&[]=2&c]=3',
      '?provider[name]=nope',
      '?%00=%00',
      '?a=%ff',
      '?a=%',
      '?__proto__=1&constructor=2',
      '?',
    ])
      expect(await deliver(query, 'application/json'), query).to.deep.equal(allAre(200));
    expect(await deliver('?provider=nope&a=1', 'application/json')).to.deep.equal(allAre(401));
    const { body } = await service.request('POST', '/api/webhooks/sms?a=1&provider=text-co', inboundSms);
    expect(body.provider).to.equal('text-co');
  });

  it('may have any content type if its body is JSON in UTF-8', async () => {
    for (const type of [
      'application/json;charset=utf8',
      'application/json; charset="UTF8"',
      'application/json; charset=us-ascii',
      'application/json; charset=iso-8859-1',
      'application/vnd.x+json',
      'text/json',
      'text/plain;charset=UTF-8',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'nonsense',
      '',
      null,
    ])
      expect(await deliver('', type), `${type}`).to.deep.equal(allAre(200));
  });

  it('is refused by its content type only if its body is not JSON', async () => {
    for (const [type, status] of [
      ['application/json', 400],
      ['application/json; charset=utf8', 400],
      ['application/x-www-form-urlencoded', 415],
      ['application/json; charset=latin1', 415],
    ] as const)
      for (const [path] of WEBHOOKS) {
        const answer = await service.request('POST', path, 'from=ada', { 'content-type': type });
        expect(answer.status, `${path} ${type}`).to.equal(status);
      }
  });
});

describe('A request of a client', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('may have the charset `utf8`, but no other content type and no unknown query parameter', async () => {
    const send = async (query: string, type: string) =>
      (await service.request('POST', `/api/messages/sms${query}`, sms, { 'content-type': type })).status;
    expect(await send('', 'application/json;charset=utf8')).to.equal(202);
    expect(await send('', 'application/vnd.x+json')).to.equal(415);
    expect(await send('', 'application/json; charset=us-ascii')).to.equal(415);
    expect(await send('?a=1', 'application/json')).to.equal(422);
    expect(await send('?a[b]=1', 'application/json')).to.equal(422);
  });
});
