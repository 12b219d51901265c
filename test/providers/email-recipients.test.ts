import { expect } from 'chai';
import { credentialsOf } from '../../src/simulator/dialects/postmark/webhooks.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { entriesOf } from '../support/consent.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { freePort } from '../support/process.ts';
import { publicKeyFor, signedHeaders } from '../support/sendgrid.ts';
import { until } from '../support/until.ts';

const KEY = 'provider-key';

/** One email to several people, each with an outcome of their own. */
describe('An email to several people', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    simulator = await startSimulator({
      ...{ apiKey: KEY, webhookSecret, settings: { service_url: url, receipts: { delay_ms: 5 } } },
    });
    service = await startHarness({
      ...{ PORT: String(port), PUBLIC_URL: url, EMAIL_PROVIDERS: 'sendgrid,postmark' },
      ...{ SENDGRID_URL: `${simulator.url}/sendgrid`, SENDGRID_API_KEY: KEY },
      SENDGRID_EVENT_PUBLIC_KEY: publicKeyFor(webhookSecret),
      ...{ SENDGRID_SENDERS: 'sendgrid.example', POSTMARK_SENDERS: 'postmark.example' },
      ...{ POSTMARK_URL: `${simulator.url}/postmark`, POSTMARK_SERVER_TOKEN: KEY },
      POSTMARK_WEBHOOK_PASSWORD: credentialsOf(webhookSecret).password,
    });
  });
  after(async () => {
    await service?.stop();
    await simulator?.stop();
  });

  async function send(from: string, to: string[]): Promise<number> {
    const email = { from, to, subject: 'Hello', text: 'Hello' };
    const { status, body } = await service.request('POST', '/api/messages/email', email);
    expect(status, JSON.stringify(body)).to.equal(202);
    return body.id;
  }
  /** The statuses of the recipients when the events of all have arrived. */
  const untilStatuses = (id: number, expected: Record<string, string>) =>
    until(
      async () => {
        const { body } = await service.request('GET', `/api/messages/${id}`);
        const recipients: { address: string; status: string }[] = body.recipients ?? [];
        const statuses = Object.fromEntries(recipients.map(({ address, status }) => [address, status]));
        return JSON.stringify(statuses) === JSON.stringify(expected);
      },
      `message ${id} has ${JSON.stringify(expected)}`,
    );
  const isSuppressed = async (address: string) => (await entriesOf(service, address)).length > 0;

  for (const domain of ['sendgrid.example', 'postmark.example'])
    it(`from ${domain}, of whom one bounces after the delivery and one complains, suppresses these two only`, async () => {
      const of = (mailbox: string) => `${mailbox}@${domain.replace('.', '-')}.test`;
      const id = await send(`shop@${domain}`, [of('ada'), of('late-bounce'), of('complaint')]);
      await untilStatuses(id, {
        [of('ada')]: 'delivered',
        [of('late-bounce')]: 'undelivered',
        [of('complaint')]: 'delivered',
      });
      await until(() => isSuppressed(of('complaint')), 'the recipient who complained is suppressed');
      expect(await isSuppressed(of('late-bounce'))).to.equal(true);
      expect(await isSuppressed(of('ada'))).to.equal(false);
    });

  const change = (receipts: object) =>
    fetch(`${simulator.url}/_control/settings`, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ receipts }),
    });

  it('has a failed recipient if the receipts of the others arrive before the response that names this one', async () => {
    const [ada, inactive] = ['ada@early.test', 'inactive@early.test'];
    await change({ early_rate: 1 });
    const id = await send('shop@postmark.example', [ada, inactive]);
    await untilStatuses(id, { [ada]: 'delivered', [inactive]: 'failed' });
    await until(() => isSuppressed(inactive), 'the dropped recipient is suppressed');
    const { body } = await service.request('GET', `/api/messages/${id}`);
    expect(body.status).to.equal('undelivered');
  });

  it('has the statuses that it had after a bounce that names no recipient, unlike an email to one person', async () => {
    await change({ early_rate: 0, enabled: false });
    const { user, password } = credentialsOf(webhookSecret);
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const report = {
      sendgrid: (sg_message_id: string, email: string | null = null) => {
        const body = JSON.stringify([
          { event: 'bounce', type: 'bounce', email, sg_message_id, timestamp: 1_795_687_202 },
        ]);
        return service.request(
          'POST',
          '/api/webhooks/sendgrid',
          body,
          signedHeaders(body, { key: webhookSecret }),
        );
      },
      postmark: (MessageID: string, Email: string | null = null) =>
        service.request(
          'POST',
          '/api/webhooks/postmark',
          { RecordType: 'Bounce', Type: 'HardBounce', ID: 1, MessageID, Email },
          { authorization },
        ),
    };
    for (const [kind, bounce] of Object.entries(report)) {
      const [ada, grace] = [`ada@${kind}-unnamed.test`, `grace@${kind}-unnamed.test`];
      for (const to of [[ada, grace], [ada]]) {
        const id = await send(`shop@${kind}.example`, to);
        const { provider_message_id } = await service.untilStatus(id, 'sent');
        expect((await bounce(`${provider_message_id}`)).status).to.equal(200);
        const { body } = await service.request('GET', `/api/messages/${id}`);
        expect(body.status, kind).to.equal(to.length > 1 ? 'sent' : 'undelivered');
      }
    }
  });

  it('of whom Postmark drops one inside a success, has a failed recipient, who is suppressed', async () => {
    const [ada, inactive] = ['ada@postmark.test', 'inactive@postmark.test'];
    await change({ early_rate: 0, enabled: false });
    const id = await send('shop@postmark.example', [ada, inactive]);
    await untilStatuses(id, { [ada]: 'sent', [inactive]: 'failed' });
    await until(() => isSuppressed(inactive), 'the dropped recipient is suppressed');
    expect(await isSuppressed(ada)).to.equal(false);
  });
});
