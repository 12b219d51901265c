import { expect } from 'chai';
import type { Provider } from '../../../src/providers/provider.ts';
import { createResendProvider } from '../../../src/providers/resend/send.ts';
import { IncomingWebhook } from '../../../src/providers/webhook.ts';
import { referenceEmail } from '../../support/mail.ts';
import { callContext } from '../../support/provider-server.ts';
import { until } from '../../support/until.ts';
import { type Play, type Receiver, secret, startPlay, startReceiver } from '../support.ts';

const API_KEY = 're_0123456789abcdef';

describe('The Resend dialect of the simulator', () => {
  let play: Play;
  let receiver: Receiver;
  let provider: Provider;
  const account = (apiKey: string) =>
    createResendProvider(
      {
        ...{
          name: 'resend',
          channel: 'email',
          kind: 'resend',
          simulated: false,
          warnings: [],
          senders: null,
        },
        ...{ perSecond: null, perSecondPerSender: null, consentReplies: null },
        settings: { url: `${play.url}/resend`, apiKey, webhookSecrets: [secret] },
      },
      5_000,
    );
  before(async () => {
    receiver = await startReceiver();
    play = await startPlay({ apiKey: API_KEY, webhookSecret: secret });
    provider = account(API_KEY);
  });
  after(async () => {
    await play.stop();
    await receiver.stop();
  });
  beforeEach(async () => {
    await play.call('POST', '/_control/reset');
    await play.set({ service_url: receiver.url, receipts: { enabled: true, delay_ms: 1 } });
    receiver.received.length = 0;
  });

  it('accepts one email for each key, and refuses another body with a key', async () => {
    const message = referenceEmail();
    const first = await provider.send(message, callContext());
    expect(first).to.include({ outcome: 'accepted' });
    expect(await provider.send(message, callContext())).to.deep.equal(first);
    const changed = { ...message, subject: 'Another subject' };
    expect(await provider.send(changed, callContext())).to.include({
      ...{ outcome: 'rejected', code: 'invalid_idempotent_request', httpStatus: 409 },
    });
    const accepted = await play.accepted();
    expect(accepted).to.have.lengthOf(1);
    expect(accepted[0]).to.include({ request_count: 2, idempotency_key: message.delivery_key });
  });

  it('refuses keys, domains and addresses in the format of Resend', async () => {
    const send = (to = 'ada@example.net', from = provider) => {
      const message = referenceEmail({ to: [to], cc: null, bcc: null });
      return from.send({ ...message, email: { ...message.email, envelope: [to] } }, callContext());
    };
    expect(await send(undefined, account('re_wrong_key'))).to.include({
      outcome: 'unavailable',
      httpStatus: 401,
    });
    expect(await send('reject@example.net')).to.include({ outcome: 'rejected', code: 'validation_error' });
    await play.set({ resend: { senders: ['other@example.org'] } });
    expect(await send()).to.include({ outcome: 'unavailable', class: 'sender_not_allowed' });
    await play.faults({
      channel: 'email',
      dialect: 'resend',
      type: 'status',
      status: 429,
      code: 'daily_quota_exceeded',
    });
    expect(await send()).to.include({
      outcome: 'unavailable',
      class: 'account_problem',
      isOperatorError: true,
    });
    expect((await provider.check?.(callContext()))?.[0]).to.include({ result: 'ok' });
  });

  it('sends the events of each recipient, which are signed', async () => {
    const to = ['ada@example.net', 'late-bounce@example.net', 'dropped@example.net'];
    const message = referenceEmail({ to, cc: null, bcc: null });
    await play.set({ resend: { unknown_fields: true } });
    await provider.send({ ...message, email: { ...message.email, envelope: to } }, callContext());
    const { received } = receiver;
    await until(() => received.length === 5, 'every event is sent');
    const read = await Promise.all(
      received.map(async ({ headers, path, text }) => {
        const webhook = new IncomingWebhook({
          ...{ headers, target: path, publicUrl: null, readBody: async () => Buffer.from(text) },
        });
        expect(await provider.verify(webhook)).to.equal('valid');
        return (await provider.parse(webhook))?.receipts.map(({ recipient, status, bounce }) =>
          [recipient, status, bounce].join(' ').trim(),
        );
      }),
    );
    expect(read).to.deep.equal([
      to.map((address) => `${address} sent`),
      ['ada@example.net delivered'],
      ['late-bounce@example.net delivered'],
      ['late-bounce@example.net bounced hard'],
      ['dropped@example.net dropped hard'],
    ]);
  });
});
