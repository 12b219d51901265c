import { expect } from 'chai';
import { SIMULATED_TOPIC } from '../../../src/providers/ses/config.ts';
import { signedMessage } from '../../../src/simulator/dialects/ses/sns/signature.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY } from '../../support/ses.ts';
import { type Play, startPlay } from '../support.ts';

interface Sdk {
  SESv2Client: new (
    options: object,
  ) => { send(command: object): Promise<{ MessageId?: string; SendingEnabled?: boolean }> };
  SendEmailCommand: new (input: object) => object;
  GetAccountCommand: new (input: object) => object;
}
type Validator = new (
  hostPattern: RegExp,
) => {
  validate(message: object, done: (error: Error | null) => void): void;
};

const sdk = findOracle<Sdk>('@aws-sdk/client-sesv2');
const Validator = findOracle<Validator>('sns-validator');

describe(`The official AWS library${sdk ? '' : NOT_INSTALLED}`, () => {
  let play: Play;
  before(async function () {
    if (!sdk) return this.skip();
    play = await startPlay({ apiKey: SECRET_ACCESS_KEY });
  });
  after(() => play?.stop());

  const client = (secretAccessKey = SECRET_ACCESS_KEY) => {
    const { SESv2Client } = sdk as Sdk;
    return new SESv2Client({
      ...{ region: 'us-east-1', endpoint: `${play.url}/ses`, maxAttempts: 1 },
      credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey },
    });
  };
  const email = (to: string) => {
    const { SendEmailCommand } = sdk as Sdk;
    return new SendEmailCommand({
      ...{ FromEmailAddress: 'shop@example.com', Destination: { ToAddresses: [to] } },
      Content: { Raw: { Data: Buffer.from('From: shop@example.com\r\nSubject: a\r\n\r\nb\r\n') } },
      EmailTags: [{ Name: 'echo', Value: 'a-b_1' }],
    });
  };

  it('sends an email to the simulator, which verifies its signature', async () => {
    const { MessageId } = await client().send(email('ada@example.net'));
    const [accepted] = await play.accepted();
    expect(MessageId).to.equal(accepted?.id);
    const { GetAccountCommand } = sdk as Sdk;
    expect(await client().send(new GetAccountCommand({}))).to.include({ SendingEnabled: true });
  });

  it('has an error with the type of a refusal', async () => {
    const nameOf = (sent: Promise<unknown>) => sent.then(String, ({ name }) => name);
    expect(await nameOf(client('wrong').send(email('ada@example.net')))).to.equal(
      'InvalidSignatureException',
    );
    expect(await nameOf(client().send(email('reject@example.net')))).to.equal('BadRequestException');
    await play.set({ ses: { senders: ['other@example.com'] } });
    expect(await nameOf(client().send(email('ada@example.net')))).to.equal('MessageRejected');
    await play.faults({ channel: 'email', dialect: 'ses', type: 'status', status: 429 });
    expect(await nameOf(client().send(email('ada@example.net')))).to.equal('TooManyRequestsException');
  });
});

describe(`The library sns-validator${Validator ? '' : NOT_INSTALLED}`, () => {
  let play: Play;
  before(async function () {
    if (!Validator) return this.skip();
    play = await startPlay();
  });
  after(() => play?.stop());

  /** The library fetches certificates by https only: its cache has that of the simulator. */
  it('accepts the signatures of the simulator, and no changed message', async () => {
    const https = (await import('node:https')).default;
    const { get } = https;
    const { default: http } = await import('node:http');
    https.get = ((url: string, done: never) => http.get(url.replace('https:', 'http:'), done)) as never;
    try {
      const validator = new (Validator as Validator)(/^127\.0\.0\.1:\d+$/);
      const errorOf = (message: object) =>
        new Promise<string | null>((resolve) =>
          validator.validate(message, (error) => resolve(error?.message ?? null)),
        );
      for (const version of ['1', '2'] as const)
        for (const more of [{}, { Subject: 'Amazon SES Email Event Notification' }]) {
          const message = signedMessage(
            {
              ...{ Type: 'Notification', MessageId: 'a', TopicArn: SIMULATED_TOPIC, Message: '{"a": "ü"}' },
              ...{ Timestamp: new Date().toISOString(), ...more },
            },
            play.url.replace('http:', 'https:'),
            version,
          );
          expect(await errorOf(message)).to.equal(null);
          expect(await errorOf({ ...message, Message: '{}' })).to.match(/signature/);
        }
    } finally {
      https.get = get;
    }
  });
});
