import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { entriesOf } from '../../support/consent.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, TOPIC } from '../../support/ses.ts';
import { until } from '../../support/until.ts';

/** The environment of an account of each kind at the simulator. */
const KINDS: Record<string, (url: string) => Record<string, string>> = {
  ses: (url) => ({
    ...{ SES_URL: `${url}/ses`, SES_REGION: 'us-east-1', SES_ACCESS_KEY_ID: ACCESS_KEY_ID },
    ...{ SES_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY, SES_TOPIC_ARNS: TOPIC },
  }),
  resend: (url) => ({
    ...{ RESEND_URL: `${url}/resend`, RESEND_API_KEY: SECRET_ACCESS_KEY },
    RESEND_WEBHOOK_SECRETS: webhookSecret,
  }),
};

describe('An email to several recipients', () => {
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    simulator = await startSimulator({
      ...{ apiKey: SECRET_ACCESS_KEY, webhookSecret, ses: { topicArn: TOPIC } },
      settings: { receipts: { delay_ms: 1 } },
    });
    const accounts = Object.values(KINDS).map((environmentAt) => environmentAt(simulator.url));
    service = await startHarness({
      ...{ EMAIL_PROVIDERS: 'ses,resend', SES_SENDERS: 'ses.example', RESEND_SENDERS: 'resend.example' },
      ...Object.assign({}, ...accounts),
    });
    await fetch(`${simulator.url}/_control/settings`, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ service_url: service.url }),
    });
  });
  after(async () => {
    await service?.stop();
    await simulator.stop();
  });

  for (const kind of Object.keys(KINDS))
    it(`has an outcome of each at ${kind}, and only the bounced and the complaining ones are suppressed`, async () => {
      const addressOf = (mailbox: string) => `${mailbox}@${kind}.example.net`;
      const to = ['ada', 'late-bounce', 'complaint'].map(addressOf);
      const timestamp = new Date().toISOString();
      const email = { from: `shop@${kind}.example`, to, subject: 'Hello', body: '<b>Hello</b>', timestamp };
      const { status, body } = await service.request('POST', '/api/messages/email', email);
      expect(status, JSON.stringify(body)).to.equal(202);
      const suppressed = async (address: string) => (await entriesOf(service, address)).length > 0;
      const read = async (): Promise<Message> =>
        (await service.request('GET', `/api/messages/${body.id}`)).body;
      await until(
        async () => (await suppressed(to[1] as string)) && (await suppressed(to[2] as string)),
        'the bounced and the complaining recipient are suppressed',
      );
      await until(
        async () =>
          (await read()).recipients?.map((each) => each.status).join() === 'delivered,undelivered,delivered',
        'each recipient has a status',
      );
      const { provider, recipients } = await read();
      expect(provider).to.equal(kind);
      expect(recipients?.map((each) => each.address)).to.deep.equal(to);
      expect(await suppressed(to[0] as string)).to.equal(false);
    });
});
