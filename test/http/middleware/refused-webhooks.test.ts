import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { inboundEmail, inboundSms } from '../../support/bodies.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { keepLog } from '../../support/log.ts';

const { messaging_provider_id: _, ...WITHOUT_ID } = inboundSms;
const SMS = '/api/webhooks/sms';
const EMAIL = '/api/webhooks/email';

describe('An authentic webhook that cannot be accepted', () => {
  const log = keepLog('warn');
  let service: Harness;
  before(async () => {
    service = await startHarness(
      {
        API_KEYS: 'test:correct-horse-battery',
        TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
        MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
      },
      log.logger,
    );
  });
  after(() => service.stop());

  const deliver = (path: string, body: string, headers: Record<string, string> = {}) =>
    service.request('POST', path, body, {
      ...sign(webhookSecret, 'event-1', Math.floor(Date.now() / 1_000), body),
      ...headers,
    });
  const count = async (channel: string, reason: string) => {
    const authorization = 'Bearer correct-horse-battery';
    const { body } = await service.request('GET', '/metrics', undefined, { authorization });
    const metric = new RegExp(
      `^messaging_webhooks_refused_total{channel="${channel}",reason="${reason}"} (\\d+)$`,
      'm',
    );
    return Number(metric.exec(body)?.[1] ?? 0);
  };

  const tooLong = 'x'.repeat(256);
  const cases: [
    title: string,
    path: string,
    body: string,
    expected: { status: number; reason: string; id: string | null; paths: string[] },
    headers?: Record<string, string>,
  ][] = [
    [
      'without an id',
      SMS,
      JSON.stringify(WITHOUT_ID),
      { status: 422, reason: 'invalid_request', id: null, paths: ['/body/messaging_provider_id'] },
    ],
    [
      'with an id that is not an integer',
      SMS,
      JSON.stringify({ ...inboundSms, messaging_provider_id: 1.5 }),
      { status: 422, reason: 'invalid_request', id: '1.5', paths: ['/body/messaging_provider_id'] },
    ],
    [
      'with an id that is too long',
      EMAIL,
      JSON.stringify({ ...inboundEmail, xillio_id: tooLong }),
      { status: 422, reason: 'invalid_request', id: tooLong.slice(1), paths: ['/body/xillio_id'] },
    ],
    [
      'with a receipt without an id',
      `${SMS}/status`,
      '{"status": "delivered"}',
      { status: 422, reason: 'invalid_request', id: null, paths: ['/body/messaging_provider_id'] },
    ],
    ['that is not JSON', EMAIL, '{"from": ', { status: 400, reason: 'malformed_json', id: null, paths: [] }],
    [
      'that is not JSON, of another content type',
      SMS,
      'from=18045551234',
      { status: 415, reason: 'unsupported_media_type', id: null, paths: [] },
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
  ];
  for (const [title, path, body, { status, reason, id, paths }, headers] of cases)
    it(`is logged with its id and the path of each error, and counted: ${title}`, async () => {
      const channel = path.startsWith(EMAIL) ? 'email' : 'sms';
      const before = await count(channel, reason);
      log.lines.length = 0;
      const answer = await deliver(path, body, headers);
      expect(answer.status, JSON.stringify(answer.body)).to.equal(status);
      const refusals = log.of('webhook refused');
      expect(refusals).to.have.length(1);
      const { errors, ...line } = refusals[0] as (typeof refusals)[0] & { errors: { path: string }[] };
      expect(line).to.deep.include({
        level: 40,
        channel,
        provider: channel === 'sms' ? 'text-co' : 'mail-co',
        reason,
        providerMessageId: id,
        request_id: answer.body.request_id,
      });
      expect(errors.map(({ path }) => path).sort()).to.deep.equal(paths);
      expect(await count(channel, reason)).to.equal(before + 1);
    });

  it('is logged and counted if it is not UTF-8', async () => {
    const before = await count('sms', 'malformed_json');
    log.lines.length = 0;
    const body = Buffer.from(JSON.stringify({ ...inboundSms, body: 'caf\u00e9' }), 'latin1');
    const response = await fetch(service.url + SMS, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...sign(webhookSecret, 'event-1', Math.floor(Date.now() / 1_000), body),
      },
      body,
    });
    expect(response.status).to.equal(400);
    expect(log.of('webhook refused')).to.have.length(1);
    expect(await count('sms', 'malformed_json')).to.equal(before + 1);
  });

  it('is logged as refused, unlike a webhook that is not authentic', async () => {
    log.lines.length = 0;
    const body = JSON.stringify(WITHOUT_ID);
    const forged = { 'webhook-signature': 'v1,AAAA' };
    expect((await deliver(SMS, body, forged)).status).to.equal(401);
    expect((await service.request('POST', SMS, body)).status).to.equal(401);
    expect((await deliver(`${SMS}?provider=nope`, body)).status).to.equal(401);
    expect((await deliver(SMS, JSON.stringify(inboundSms))).status).to.equal(200);
    expect(log.of('webhook refused')).to.deep.equal([]);
  });
});
