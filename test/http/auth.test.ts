import { expect } from 'chai';
import { sign } from '../../src/simulator/signature.ts';
import { inboundSms, sms } from '../helpers/bodies.ts';
import { type Harness, startHarness, webhookSecret } from '../helpers/harness.ts';
import { until } from '../helpers/until.ts';

const oldSecret = `whsec_${Buffer.alloc(24, 'old').toString('base64')}`;
const body = JSON.stringify(inboundSms);
const key = { authorization: 'Bearer correct-horse-battery' };
const now = () => Math.floor(Date.now() / 1_000);

describe('With API keys and webhook secrets', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      API_KEYS: 'first:correct-horse-battery,second:staple-of-the-trade',
      TEXT_CO_WEBHOOK_SECRETS: `${webhookSecret},${oldSecret}`,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
  });
  after(() => service.stop());

  it('the API asks for one of the keys', async () => {
    const statusWith = async (headers: Record<string, string>) =>
      (await service.request('GET', '/api/conversations', undefined, headers)).status;
    expect(await statusWith({})).to.equal(401);
    expect(await statusWith({ authorization: 'Bearer wrong-horse-battery' })).to.equal(401);
    expect(await statusWith({ authorization: 'Basic correct-horse-battery' })).to.equal(401);
    expect(await statusWith({ authorization: 'Bearer correct-horse-battery' })).to.equal(200);
    expect(await statusWith({ authorization: 'bearer staple-of-the-trade' })).to.equal(200);
  });

  it('no key and a wrong key get the same words', async () => {
    const answers = [undefined, { authorization: 'Bearer wrong-horse-battery' }].map((headers) =>
      service.request('POST', '/api/messages/sms', sms, headers),
    );
    const [none, wrong] = (await Promise.all(answers)).map(
      ({ headers, body: { request_id: _, ...problem } }) => ({
        problem,
        asks: headers.get('www-authenticate'),
      }),
    );
    expect(none).to.deep.equal(wrong);
    expect(none?.problem.code).to.equal('unauthorized');
    expect(none?.asks).to.equal('Bearer');
  });

  it('health, metrics and the document are open', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/openapi.yaml']) {
      expect((await service.request('GET', path)).status, path).to.equal(200);
    }
  });

  const cases: [string, number, () => Record<string, string>][] = [
    ['a right signature', 200, () => sign(webhookSecret, 'evt_1', now(), body)],
    ['a replay of it', 200, () => sign(webhookSecret, 'evt_1', now() - 60, body)],
    ['the old secret of a rotation', 200, () => sign(oldSecret, 'evt_1', now(), body)],
    [
      'several signatures, one of them right',
      200,
      () => {
        const right = sign(webhookSecret, 'evt_1', now(), body);
        return { ...right, 'webhook-signature': `v1,AAAA v2,x ${right['webhook-signature']}` };
      },
    ],
    ['no signature', 401, () => ({})],
    [
      'a signature by another secret',
      401,
      () => sign(`whsec_${Buffer.alloc(24, 'x').toString('base64')}`, 'evt_1', now(), body),
    ],
    ['a signature over another body', 401, () => sign(webhookSecret, 'evt_1', now(), `${body} `)],
    [
      'a signature over another id',
      401,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), body), 'webhook-id': 'evt_2' }),
    ],
    ['a signature that is six minutes old', 401, () => sign(webhookSecret, 'evt_1', now() - 360, body)],
    ['a signature from the future', 401, () => sign(webhookSecret, 'evt_1', now() + 360, body)],
    [
      'a signature without its time',
      401,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), body), 'webhook-timestamp': '' }),
    ],
    [
      'a signature that is none',
      401,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), body), 'webhook-signature': 'v1,%%%' }),
    ],
  ];
  for (const [title, status, headers] of cases) {
    it(`a webhook with ${title} is answered ${status}`, async () => {
      expect((await service.request('POST', '/api/webhooks/sms', body, headers())).status).to.equal(status);
    });
  }

  it('a webhook is checked by the secret of the provider that it names', async () => {
    const signed = sign(oldSecret, 'evt_1', now(), body);
    expect((await service.request('POST', '/api/webhooks/email', body, signed)).status).to.equal(401);
    expect(
      (await service.request('POST', '/api/webhooks/sms?provider=text-co', body, signed)).status,
    ).to.equal(200);
  });

  it('a message still reaches its provider and its signed receipts come back', async () => {
    const { body: message } = await service.request('POST', '/api/messages/sms', sms, key);
    await until(async () => {
      const { body: found } = await service.request('GET', `/api/messages/${message.id}`, undefined, key);
      return found.status === 'delivered';
    }, 'delivered');
  });
});
