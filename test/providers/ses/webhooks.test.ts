import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { UnavailableError } from '../../../src/errors.ts';
import type { SesSettings } from '../../../src/providers/ses/config.ts';
import { sesWebhooks } from '../../../src/providers/ses/webhook.ts';
import { IncomingWebhook } from '../../../src/providers/webhook.ts';
import { signingKeyOf } from '../../../src/simulator/dialects/ses/sns/certificate.ts';
import { snsKey } from '../../../src/simulator/dialects/ses/sns/signature.ts';
import { type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { confirmation, notification, type SnsWebhook, sesEvent, TOPIC } from '../../support/ses.ts';

const ID = '0100018b-aaaa-bbbb-cccc-000000000000-000000';
const ECHO = '16-Cz-aUmoMS16dDh9vCnwtEQ';
const SECOND = 'arn:aws:sns:eu-west-1:123456789012:other-events';
const FOREIGN = 'arn:aws:sns:us-east-1:999999999999:ses-events';

describe('The webhooks of SES', () => {
  let sns: ProviderServer;
  let foreign: ProviderServer;
  let status: number;
  const requests: string[] = [];
  /** Further paths of a certificate. */
  const paths = new Set<string>();
  /** The requests wait for it. */
  let hold: Promise<void> | null = null;
  const other = signingKeyOf(
    String(
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ),
  );
  before(async () => {
    sns = await startProviderServer(async (request, response) => {
      requests.push(String(request.url));
      await hold;
      const key = [snsKey(), other].find(({ path }) => path === request.url);
      const certificate = paths.has(`${request.url}`) ? other.certificate : key?.certificate;
      const isKnown = certificate !== undefined || request.url?.startsWith('/?');
      response.writeHead(isKnown ? status : 404).end(certificate ?? '<ConfirmSubscriptionResponse/>');
    });
    foreign = await startProviderServer((request, response) => {
      requests.push(`foreign ${request.url}`);
      response.end(other.certificate);
    });
  });
  after(async () => {
    await sns.stop();
    await foreign.stop();
  });
  beforeEach(() => {
    requests.length = 0;
    status = 200;
  });

  const webhooks = (more: Partial<SesSettings> = {}) =>
    sesWebhooks({
      ...{ url: sns.url, region: 'us-east-1', accessKeyId: '', secretAccessKey: '', sessionToken: null },
      ...{ configurationSet: null, topicArns: [TOPIC, SECOND], simulatorOrigin: sns.url, ...more },
    });
  const incoming = ({ headers, fields }: SnsWebhook) =>
    new IncomingWebhook({
      ...{ headers, target: '/api/webhooks/ses', publicUrl: null },
      readBody: async () => Buffer.from(JSON.stringify(fields)),
    });
  const verify = (webhook: SnsWebhook, more: Partial<SesSettings> = {}) =>
    webhooks(more).verify(incoming(webhook));
  const event = () => notification(sesEvent('Delivery', { id: ID }), { host: sns.url });
  const parse = async (content: object | string) =>
    webhooks().parse(incoming(notification(content, { host: sns.url })));

  it('are valid with both versions of signatures and for each topic, and fetch the certificate once', async () => {
    const all = webhooks();
    for (const version of ['1', '2'] as const)
      for (const topic of [TOPIC, SECOND]) {
        const message = notification('{}', {
          host: sns.url,
          version,
          topic,
          message: { Subject: 'An event' },
        });
        expect(await all.verify(incoming(message))).to.equal('valid');
        expect(await all.verify(incoming(confirmation({ host: sns.url, version, topic })))).to.equal('valid');
      }
    expect(requests).to.deep.equal([snsKey().path]);
  });

  it('of one certificate that arrive at once fetch it once', async () => {
    const all = webhooks();
    const results = await Promise.all(Array.from({ length: 20 }, () => all.verify(incoming(event()))));
    expect(new Set(results)).to.deep.equal(new Set(['valid']));
    expect(requests).to.deep.equal([snsKey().path]);
  });

  it('of a foreign topic are refused, and nothing is fetched', async () => {
    for (const webhook of [
      notification('{}', { host: sns.url, topic: FOREIGN }),
      confirmation({ host: sns.url, topic: FOREIGN }),
    ]) {
      expect(await verify(webhook)).to.equal('invalid');
      // Nor with a header that names our topic.
      webhook.headers['x-amz-sns-topic-arn'] = TOPIC;
      expect(await verify(webhook)).to.equal('invalid');
    }
    expect(await verify(event(), { topicArns: [] })).to.equal('invalid');
    expect(requests).to.deep.equal([]);
  });

  it('with a certificate or a confirmation from another host are refused, and nothing is fetched', async () => {
    const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: TOPIC, Token: 't' });
    const elsewhere = [
      notification('{}', { host: foreign.url, key: other }),
      confirmation({ host: foreign.url, key: other }),
      confirmation({ host: sns.url, message: { SubscribeURL: `${foreign.url}/?${query}` } }),
    ];
    for (const webhook of elsewhere) expect(await verify(webhook)).to.equal('invalid');
    // In production, the host is that of AWS.
    for (const webhook of [event(), ...elsewhere])
      expect(await verify(webhook, { simulatorOrigin: null })).to.equal('invalid');
    expect(requests).to.deep.equal([]);
  });

  it('with a changed field, by another key or without a certificate are refused', async () => {
    for (const webhook of [event(), confirmation({ host: sns.url })])
      for (const name of Object.keys(webhook.fields)) {
        const fields = { ...webhook.fields, [name]: `${webhook.fields[name]}x` };
        expect(await verify({ ...webhook, fields }), name).to.equal('invalid');
        expect(await verify({ ...webhook, fields: { ...fields, [name]: undefined } }), name).to.equal(
          'invalid',
        );
      }
    const byOther = notification('{}', { host: sns.url, key: { ...other, path: snsKey().path } });
    expect(await verify(byOther)).to.equal('invalid');
    const missing = notification('{}', {
      host: sns.url,
      key: { ...snsKey(), path: `${snsKey().path.slice(0, -5)}x.pem` },
    });
    expect(await verify(missing)).to.equal('invalid');
  });

  it('are refused without the headers of SNS, as raw messages, and with another type in the header', async () => {
    const webhook = event();
    const { 'x-amz-sns-message-type': _type, ...headers } = webhook.headers;
    expect(await verify({ ...webhook, headers })).to.equal('absent');
    const others: Record<string, string>[] = [
      { 'x-amz-sns-rawdelivery': 'true' },
      { 'x-amz-sns-message-type': 'SubscriptionConfirmation' },
      { 'x-amz-sns-topic-arn': FOREIGN },
      { 'content-length': '2000000' },
    ];
    for (const more of others)
      expect(await verify({ ...webhook, headers: { ...webhook.headers, ...more } })).to.equal('invalid');
    expect(await verify({ ...webhook, fields: [] as never })).to.equal('invalid');
    expect(requests).to.deep.equal([]);
  });

  it('are verified by their certificate while others are named or SNS cannot be reached, and confirmed beside them', async () => {
    const all = webhooks();
    expect(await all.verify(incoming(event()))).to.equal('valid');
    // Valid certificates, of which a webhook that is not verified can name any.
    for (let n = 0; n < 40; n++) {
      const path = `/SimpleNotificationService-${n}.pem`;
      paths.add(path);
      const forged = notification('{}', { host: sns.url, key: { ...other, path } });
      expect(await all.verify(incoming({ ...forged, fields: { ...forged.fields, Message: 'x' } }))).to.equal(
        'invalid',
      );
    }
    expect(await all.verify(incoming(event()))).to.equal('valid');
    expect(requests.filter((path) => path === snsKey().path)).to.have.length(1);
    // No response yet: every request for a certificate is in use.
    const held = Promise.withResolvers<void>();
    hold = held.promise;
    const flood = Array.from({ length: 30 }, (_, n) => {
      const key = { ...other, path: `/SimpleNotificationService-held${n}.pem` };
      return all.verify(incoming(notification('{}', { host: sns.url, key }))).catch((error) => error);
    });
    const refused = await Promise.race(flood);
    expect(refused).to.be.instanceOf(UnavailableError);
    hold = null;
    expect(await all.verify(incoming(event()))).to.equal('valid');
    const nothing = { messages: [], receipts: [], optOuts: [] };
    expect(await all.parse(incoming(confirmation({ host: sns.url })))).to.deep.equal(nothing);
    held.resolve();
    const results = await Promise.all(flood);
    expect(results.filter((result) => result === 'invalid').length).to.be.within(1, 8);
    expect(await all.verify(incoming(notification('{}', { host: sns.url, key: other })))).to.equal('valid');
  });

  it('must be sent again while the certificate cannot be fetched', async () => {
    status = 503;
    const failure = await verify(event()).catch((error) => error);
    expect(failure).to.be.instanceOf(UnavailableError);
    await expectUnreachable();
  });

  async function expectUnreachable(): Promise<void> {
    const simulatorOrigin = 'http://127.0.0.1:1';
    const webhook = notification('{}', { host: simulatorOrigin });
    const failure = await verify(webhook, { simulatorOrigin }).catch((error) => error);
    expect(failure).to.be.instanceOf(UnavailableError);
  }

  it('that ask for a confirmation are confirmed by a request, and are kept if SNS refuses it', async () => {
    const webhook = confirmation({ host: sns.url });
    const { parse: read } = webhooks();
    expect(await read(incoming(webhook))).to.deep.equal({ messages: [], receipts: [], optOuts: [] });
    expect(requests).to.deep.equal([new URL(String(webhook.fields.SubscribeURL)).href.slice(sns.url.length)]);
    status = 400;
    expect(await read(incoming(webhook))).to.equal(null);
    status = 500;
    expect(await read(incoming(webhook)).catch((error) => error)).to.be.instanceOf(UnavailableError);
  });

  it('change nothing for the first notification of a topic, and report the end of a subscription', async () => {
    const nothing = { messages: [], receipts: [], optOuts: [] };
    const first = 'Successfully validated SNS topic for Amazon SES event publishing.';
    expect(await parse(first)).to.deep.equal(nothing);
    expect(
      await parse({ notificationType: 'AmazonSnsSubscriptionSucceeded', message: 'You have …' }),
    ).to.deep.equal(nothing);
    const end = confirmation({ host: sns.url, message: { Type: 'UnsubscribeConfirmation' } });
    expect(await verify(end)).to.equal('valid');
    expect(await webhooks().parse(incoming(end))).to.deep.equal({
      ...nothing,
      notice: `The subscription to ${TOPIC} has ended: no more events arrive.`,
    });
  });

  it('are kept if they have another form, and for inbound email', async () => {
    for (const content of [
      'text',
      '[]',
      '{"mail":',
      {},
      { eventType: 'Delivery' },
      { eventType: 'Send', mail: {} },
    ])
      expect(await parse(content)).to.equal(null);
    const mail = { messageId: ID, destination: ['in@example.com'] };
    expect(await parse({ notificationType: 'Received', mail, content: '' })).to.equal(null);
  });

  describe('report', () => {
    const to = ['ada@example.net', 'grace@example.net'];
    const at = '2026-11-26T10:00:02.000Z';
    const named = (emailAddress: string, more = {}) => ({ emailAddress, ...more });
    const receiptsOf = async (type: string, content: object) => {
      const read = await parse(sesEvent(type, { id: ID, to, echo: ECHO, ...content }));
      return read?.receipts.map(({ recipient, status: word, bounce, error, errorClass, timestamp }) => ({
        ...{ recipient, word, timestamp },
        ...(bounce !== undefined && { bounce }),
        ...(error !== undefined && { error, errorClass }),
      }));
    };

    it('a bounce of each recipient that it names, hard if it is permanent', async () => {
      const bounce = (bounceType: string) => ({
        bounce: {
          ...{ bounceType, bounceSubType: 'General', timestamp: at },
          bouncedRecipients: [
            named('ada@example.net', { status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 user unknown' }),
            named('grace@example.net'),
          ],
        },
      });
      const expected = (kind: string, errorClass: string) => [
        {
          ...{ recipient: 'ada@example.net', word: 'bounced', timestamp: at, bounce: kind, errorClass },
          error: { code: '5.1.1', detail: 'smtp; 550 5.1.1 user unknown' },
        },
        {
          ...{ recipient: 'grace@example.net', word: 'bounced', timestamp: at, bounce: kind, errorClass },
          error: { code: 'General', detail: undefined },
        },
      ];
      expect(await receiptsOf('Bounce', bounce('Permanent'))).to.deep.equal(
        expected('hard', 'invalid_destination'),
      );
      for (const type of ['Transient', 'Undetermined'])
        expect(await receiptsOf('Bounce', bounce(type))).to.deep.equal(expected('soft', 'unreachable'));
    });

    it('events about one recipient each, also of one that they do not name', async () => {
      for (const emailAddress of ['', null, undefined]) {
        const bounce = { bounceType: 'Permanent', bouncedRecipients: [{ emailAddress }] };
        const read = await parse(sesEvent('Bounce', { id: ID, to, echo: ECHO, bounce }));
        expect(read?.receipts.map(({ ofOne }) => ofOne)).to.deep.equal([true]);
      }
    });

    it('every other event, one receipt for each recipient', async () => {
      const timestamp = at;
      const sentAt = '2026-11-26T10:00:00.000Z';
      const both = (word: string, time: string, more = {}) =>
        to.map((recipient) => ({ recipient, word, timestamp: time, ...more }));
      const errorOf = (code: string, detail: string, errorClass: string) => ({
        error: { code, detail },
        errorClass,
      });
      const delayed = [named('grace@example.net', { status: '4.4.1', diagnosticCode: 'smtp; 421' })];
      const cases: [string, object, object[]][] = [
        ['Send', { send: {} }, both('sent', sentAt)],
        ['Delivery', { delivery: { timestamp, recipients: to } }, both('delivered', at)],
        [
          'Complaint',
          { complaint: { timestamp, complainedRecipients: [named('grace@example.net')] } },
          [{ recipient: 'grace@example.net', word: 'complained', timestamp: at }],
        ],
        // One of them has complained, and SES does not know which.
        [
          'Complaint',
          { complaint: { timestamp, complainedRecipients: to.map((address) => named(address)) } },
          [{ recipient: to, word: 'complained', timestamp: at }],
        ],
        [
          'Complaint',
          {
            complaint: {
              ...{ timestamp, complaintSubType: 'OnAccountSuppressionList' },
              complainedRecipients: [named('grace@example.net')],
            },
          },
          [
            {
              ...{ recipient: 'grace@example.net', word: 'dropped', timestamp: at },
              ...{ error: { code: 'OnAccountSuppressionList', detail: undefined }, errorClass: 'opted_out' },
            },
          ],
        ],
        [
          'Reject',
          { reject: { reason: 'Bad content' } },
          both('dropped', sentAt, errorOf('Reject', 'Bad content', 'content_rejected')),
        ],
        [
          'Rendering Failure',
          { failure: { errorMessage: 'Attribute missing', templateName: 't' } },
          both('failed', sentAt, errorOf('RenderingFailure', 'Attribute missing', 'content_rejected')),
        ],
        [
          'DeliveryDelay',
          { deliveryDelay: { timestamp, delayType: 'MailboxFull', delayedRecipients: delayed } },
          [
            {
              ...{ recipient: 'grace@example.net', word: 'deferred', timestamp: at },
              ...errorOf('4.4.1', 'smtp; 421', 'unreachable'),
            },
          ],
        ],
      ];
      for (const [type, content, expected] of cases)
        expect(await receiptsOf(type, content), type).to.deep.equal(expected);
    });

    it('a reader by name only if the email has one recipient', async () => {
      const preferences = (newTopicPreferences: object) => ({
        subscription: { timestamp: at, newTopicPreferences },
      });
      const optOut = { topicSubscriptionStatus: [{ topicName: 'n', subscriptionStatus: 'OptOut' }] };
      const cases: [string, string, object][] = [
        ['Open', 'opened', { open: { timestamp: at, userAgent: 'x' } }],
        ['Click', 'clicked', { click: { timestamp: at, link: 'https://example.com/' } }],
        ['Subscription', 'unsubscribed', preferences({ unsubscribeAll: true })],
        ['Subscription', 'unsubscribed', preferences(optOut)],
        ['Subscription', 'subscription', preferences({ unsubscribeAll: false, topicSubscriptionStatus: [] })],
      ];
      for (const [type, word, content] of cases)
        expect(await receiptsOf(type, content)).to.deep.equal([{ recipient: to, word, timestamp: at }]);
    });

    it('the id of SES, the echo and the Message-ID on the wire', async () => {
      const delivery = { timestamp: at, recipients: ['ada@example.net'] };
      const read = await parse(sesEvent('Delivery', { id: ID, echo: ECHO, delivery }));
      expect(read?.receipts[0]).to.include({
        ...{ providerMessageId: ID, echo: ECHO, wireMessageId: `${ID}@email.amazonses.com` },
      });
      expect((await parse(sesEvent('Delivery', { id: ID, delivery })))?.receipts[0]).to.include({
        echo: null,
      });
    });

    it('an event and the same event as feedback of the identity as one receipt', async () => {
      const content = {
        bounce: { bounceType: 'Permanent', timestamp: at, bouncedRecipients: [named('A@example.net')] },
      };
      const published = sesEvent('Bounce', { id: ID, echo: ECHO, ...content });
      const { eventType, ...feedback } = sesEvent('Bounce', { id: ID, ...content }) as { eventType: string };
      const keys = await Promise.all(
        [published, { notificationType: eventType, ...feedback }].map(
          async (each) => (await parse(each))?.receipts[0]?.dedupeKey,
        ),
      );
      expect(keys[0]).to.equal(keys[1]).and.to.be.a('string');
      const delay = (timestamp: string) =>
        sesEvent('DeliveryDelay', {
          id: ID,
          deliveryDelay: { timestamp, delayedRecipients: [named('a@example.net')] },
        });
      const [first, later] = await Promise.all(
        [at, '2026-11-26T11:00:00.000Z'].map((time) => parse(delay(time))),
      );
      expect(first?.receipts[0]?.dedupeKey).to.not.equal(later?.receipts[0]?.dedupeKey);
    });

    it('an event of an unknown type without a change', async () => {
      for (const type of ['Teleported', 'constructor'])
        expect((await receiptsOf(type, {}))?.[0]).to.deep.include({ word: type, recipient: to });
    });
  });
});
