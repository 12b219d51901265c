import { expect } from 'chai';
import { isSignedBy, verificationKey } from '../../../src/providers/sendgrid/signature.ts';
import { signatureHeaders, signingKey } from '../../../src/simulator/dialects/sendgrid/signature.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { API_KEY, publicKeyFor } from '../../support/sendgrid.ts';
import { type Play, secret, startPlay } from '../support.ts';

interface Failure {
  code: number;
  response: { body: { errors: { message: string; field: string | null }[] } };
}
interface Mail {
  client: { setDefaultRequest(name: string, value: string): void };
  setApiKey(key: string): void;
  send(email: object): Promise<[{ statusCode: number; headers: Record<string, string> }]>;
}
interface Library {
  EventWebhook: new () => {
    convertPublicKeyToECDSA(key: string): unknown;
    verifySignature(key: unknown, payload: string, signature: string, timestamp: string): boolean;
  };
}

const mail = findOracle<Mail>('@sendgrid/mail');
const library = findOracle<Library>('@sendgrid/eventwebhook');

describe(`The official SendGrid libraries${mail && library ? '' : NOT_INSTALLED}`, () => {
  let play: Play;
  before(async function () {
    if (!mail || !library) return this.skip();
    play = await startPlay({ apiKey: API_KEY, webhookSecret: secret });
    mail.setApiKey(API_KEY);
    mail.client.setDefaultRequest('baseUrl', `${play.url}/sendgrid`);
  });
  after(() => play?.stop());

  const email = (to: string) => ({
    ...{ from: { email: 'shop@example.com', name: 'Shop' }, to, subject: 'Hello' },
    ...{ text: 'Hello', html: '<b>Hello</b>', customArgs: { echo: 'a-b_1' } },
    headers: { 'Message-ID': '<m42@example.com>' },
    attachments: [
      {
        ...{ content: Buffer.from('abc').toString('base64'), filename: 'a.txt', type: 'text/plain' },
        ...{ disposition: 'inline', content_id: 'a@example.com' },
      },
    ],
  });

  it('send an email to the simulator, and read its id and its errors', async () => {
    const [{ statusCode, headers }] = await (mail as Mail).send(email('ada@example.net'));
    expect(statusCode).to.equal(202);
    expect((await play.accepted()).map(({ id }) => id)).to.deep.equal([headers['x-message-id']]);
    const failed = (sending: Promise<unknown>) =>
      sending.then(
        () => null,
        (error: Failure) => error,
      );
    const refused = await failed((mail as Mail).send(email('reject@example.net')));
    expect(refused?.code).to.equal(400);
    expect(refused?.response.body.errors[0]?.field).to.equal('personalizations.0.to.0.email');
  });

  it('accept the signatures of the simulator, and no changed webhook', async () => {
    const webhook = new (library as Library).EventWebhook();
    const key = webhook.convertPublicKeyToECDSA(publicKeyFor(secret));
    const body = `${JSON.stringify([{ event: 'delivered', email: 'zoë@example.net' }])}\r\n`;
    const headers = signatureHeaders(signingKey(secret), 1_795_687_202, body);
    const signature = headers['x-twilio-email-event-webhook-signature'] as string;
    expect(webhook.verifySignature(key, body, signature, '1795687202')).to.equal(true);
    expect(webhook.verifySignature(key, body.trimEnd(), signature, '1795687202')).to.equal(false);
    const time = { now: 1_795_687_202_000, maxAgeSeconds: 60 };
    const signed = { signature, timestamp: '1795687202' };
    const own = [verificationKey(publicKeyFor(secret))];
    expect(await isSignedBy(own, signed, time, async () => Buffer.from(body))).to.equal(true);
  });
});
