import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { inboundSms } from '../../support/bodies.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { keepLog } from '../../support/log.ts';

const OTHER_SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

describe('A webhook whose sender is not verified', () => {
  const log = keepLog('warn');
  let service: Harness;
  before(async () => {
    service = await startHarness({ TEXT_CO_WEBHOOK_SECRETS: webhookSecret }, log.logger);
  });
  after(() => service.stop());

  const deliver = (account: string, headers: Record<string, string> = {}) =>
    service.request('POST', `/api/webhooks/${account}`, inboundSms, headers);
  const wrong = () => sign(OTHER_SECRET, 'evt_1', Math.floor(Date.now() / 1_000), JSON.stringify(inboundSms));

  it('gets a 401 that names the possible causes and is the same for each', async () => {
    const answers = [await deliver('text-co', wrong()), await deliver('text-co'), await deliver('nobody')];
    for (const { status, body } of answers) {
      expect(status).to.equal(401);
      expect(body.detail)
        .to.match(/secret or auth token/)
        .and.to.match(/PUBLIC_URL/);
      expect(body.detail).to.equal(answers[0]?.body.detail);
    }
  });

  it('is counted by account and reason, and logged once per minute and account', async () => {
    await deliver('text-co', wrong());
    await deliver('another-name');
    const { body } = await service.request('GET', '/metrics');
    const lines = (body as string).split('\n').filter((line) => /^messaging_webhooks_unverified/.test(line));
    expect(lines).to.have.members([
      'messaging_webhooks_unverified_total{account="text-co",reason="invalid_signature"} 2',
      'messaging_webhooks_unverified_total{account="text-co",reason="no_signature"} 1',
      'messaging_webhooks_unverified_total{account="(unknown)",reason="unknown_account"} 2',
    ]);
    expect(log.of('webhook not verified')).to.deep.equal([
      { level: 40, account: 'text-co', reason: 'invalid_signature', msg: 'webhook not verified' },
      { level: 40, account: '(unknown)', reason: 'unknown_account', msg: 'webhook not verified' },
    ]);
  });
});
