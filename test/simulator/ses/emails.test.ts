import { expect } from 'chai';
import type { AccountConfig } from '../../../src/config/config.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { type SesSettings, SIMULATED_TOPIC } from '../../../src/providers/ses/config.ts';
import { createSesProvider } from '../../../src/providers/ses/send.ts';
import { IncomingWebhook, type WebhookContent } from '../../../src/providers/webhook.ts';
import type { SendRequest } from '../../../src/simulator/dialects/ses/account.ts';
import { expectSame, readBack, referenceEmail } from '../../support/mail.ts';
import { callContext, type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY } from '../../support/ses.ts';
import { until } from '../../support/until.ts';
import { type Play, startPlay } from '../support.ts';

describe('The SES dialect of the simulator', () => {
  let play: Play;
  let service: ProviderServer;
  /** The contents of the webhooks that the account has verified. */
  const contents: WebhookContent[] = [];
  const verifications: string[] = [];
  let provider: Provider;

  const account = (more: Partial<SesSettings> = {}): AccountConfig<SesSettings> => ({
    ...{ name: 'ses', channel: 'email', kind: 'ses', simulated: false, warnings: [], senders: null },
    ...{ perSecond: null, perSecondPerSender: null, consentReplies: null },
    settings: {
      ...{ url: `${play.url}/ses`, region: 'us-east-1', accessKeyId: ACCESS_KEY_ID, sessionToken: null },
      ...{ secretAccessKey: SECRET_ACCESS_KEY, configurationSet: 'shop', topicArns: [SIMULATED_TOPIC] },
      simulatorOrigin: play.url,
      ...more,
    },
  });
  before(async () => {
    // Responds after it has read the webhook, as the service does: a subscription is confirmed then.
    service = await startProviderServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      const webhook = new IncomingWebhook({
        ...{ headers: request.headers, target: String(request.url), publicUrl: null },
        readBody: async () => body,
      });
      verifications.push(await provider.verify(webhook));
      const content = await provider.parse(webhook);
      if (content) contents.push(content);
      response.end();
    });
    play = await startPlay({ apiKey: SECRET_ACCESS_KEY });
    provider = createSesProvider(account(), 5_000);
  });
  after(async () => {
    await play.stop();
    await service.stop();
  });
  beforeEach(async () => {
    await play.call('POST', '/_control/reset');
    await play.set({ service_url: service.url, receipts: { enabled: true, delay_ms: 1 } });
    contents.length = 0;
    verifications.length = 0;
  });

  const receipts = () => contents.flatMap((content) => content.receipts);
  const send = (to: string[], more = {}) => {
    const message = referenceEmail({ to, cc: null, bcc: null, ...more });
    return provider.send({ ...message, email: { ...message.email, envelope: to } }, callContext());
  };

  it('accepts an email whole', async () => {
    const message = referenceEmail();
    const outcome = await provider.send(message, callContext());
    expect(outcome).to.include({ outcome: 'accepted', httpStatus: 200 });
    const [accepted] = await play.accepted();
    const request: unknown = accepted?.request ?? {};
    const { Content, EmailTags } = request as SendRequest;
    expectSame(await readBack(Buffer.from(Content.Raw.Data, 'base64')), message);
    expect(EmailTags).to.have.lengthOf(1);
  });

  it('refuses credentials, identities and addresses in the format of SES', async () => {
    const wrong = createSesProvider(account({ secretAccessKey: 'wrong' }), 5_000);
    expect(await wrong.send(referenceEmail(), callContext())).to.include({
      ...{ outcome: 'unavailable', code: 'InvalidSignatureException', isOperatorError: true },
    });
    expect(await send(['reject@example.net'])).to.include({
      outcome: 'rejected',
      class: 'invalid_destination',
    });
    await play.set({ ses: { senders: ['other@example.com'] } });
    expect(await send(['ada@example.net'])).to.include({
      outcome: 'unavailable',
      class: 'sender_not_allowed',
    });
    await play.faults({ channel: 'email', dialect: 'ses', type: 'status', status: 429 });
    expect(await send(['ada@example.net'])).to.include({
      outcome: 'throttled',
      code: 'TooManyRequestsException',
    });
    expect((await provider.check?.(callContext()))?.[0]).to.include({ result: 'ok' });
    expect(await play.accepted()).to.deep.equal([]);
  });

  it('publishes signed events after the subscription is confirmed, also with unknown fields', async () => {
    await play.set({ ses: { unknown_fields: true, signature_version: '2' } });
    const to = ['ada@example.net', 'late-bounce@example.net', 'complaint@example.net', 'delayed@example.net'];
    await send(to);
    await until(() => receipts().length === 11, 'every event is published');
    expect(new Set(verifications)).to.deep.equal(new Set(['valid']));
    const wordsOf = (address: string) =>
      receipts().flatMap(({ recipient, status }) => (recipient === address ? [status] : []));
    expect(to.map(wordsOf)).to.deep.equal([
      ['sent', 'delivered'],
      ['sent', 'delivered', 'bounced'],
      ['sent', 'delivered', 'complained'],
      ['sent', 'deferred', 'delivered'],
    ]);
    expect(receipts()[0]).to.include({ echo: '16-Cz-aUmoMS16dDh9vCnwtEQ' });
  });

  it('publishes an event twice if the identity has feedback too', async () => {
    await play.set({ ses: { feedback: true } });
    await send(['hard-bounce@example.net']);
    const bounces = () => receipts().filter(({ status }) => status === 'bounced');
    await until(() => bounces().length === 2, 'both are published');
    expect(new Set(bounces().map(({ dedupeKey }) => dedupeKey)).size).to.equal(1);
    expect(bounces().map(({ echo }) => echo === null)).to.deep.equal([false, true]);
  });

  it('sends no certificate at another path, and confirms no unknown token', async () => {
    expect((await play.call('GET', '/SimpleNotificationService-00.pem')).status).to.equal(404);
    const query = new URLSearchParams({
      Action: 'ConfirmSubscription',
      TopicArn: SIMULATED_TOPIC,
      Token: 'x',
    });
    expect((await play.call('GET', `/?${query}`)).status).to.equal(400);
    expect((await play.call('POST', '/ses/v2/email/outbound-emails', {})).status).to.equal(403);
  });
});
