import { expect } from 'chai';
import { findDescription, NO_DESCRIPTION } from '../../support/provider-specs.ts';
import { until } from '../../support/until.ts';
import { type Form, MESSAGES, startReceiver, startTwilio, type Twilio } from './support.ts';

const description = findDescription('twilio.json');
const PATHS = '/paths/~12010-04-01~1Accounts~1{AccountSid}';
const schemaOf = (path: string) =>
  `${PATHS}~1Messages${path}/get/responses/200/content/application~1json/schema`;

describe(`Twilio's own API description${description ? '' : NO_DESCRIPTION}`, () => {
  let twilio: Twilio;
  before(async function () {
    if (!description) this.skip();
    twilio = await startTwilio();
  });
  after(() => twilio?.stop());

  /** Expects that a body is valid, and that it has all fields of the schema and no other field. */
  function expectValid(body: object, pointer: string, fields?: string[]): void {
    const validate = description?.(pointer) ?? expect.fail('no description');
    expect(validate(body), JSON.stringify(validate.errors)).to.equal(true);
    if (fields) expect(Object.keys(body).sort()).to.deep.equal(fields.toSorted());
  }

  const MESSAGE = '/components/schemas/api.v2010.account.message';
  const MEDIA = '/components/schemas/api.v2010.account.message.media';
  const FIELDS = [
    ...['account_sid', 'api_version', 'body', 'date_created', 'date_sent', 'date_updated', 'direction'],
    ...['error_code', 'error_message', 'from', 'messaging_service_sid', 'num_media', 'num_segments', 'price'],
    ...['price_unit', 'sid', 'status', 'subresource_uris', 'to', 'uri'],
  ];

  const forms: [title: string, form: Form][] = [
    ['an SMS', {}],
    ['an MMS', { MediaUrl: ['https://a.example/b.png'] }],
    ['a message of a Messaging Service', { From: '', MessagingServiceSid: `MG${'b'.repeat(32)}` }],
    ['a message that is undelivered', { To: '+18040030003' }],
  ];
  for (const [title, form] of forms)
    it(`describes ${title} at its creation and at its end`, async () => {
      const { body } = await twilio.create(form);
      expectValid(body, MESSAGE, FIELDS);
      const end = await until(async () => {
        const { body: now } = await twilio.fetchMessage(body.sid);
        return /delivered/.test(now.status) && now;
      }, 'the message has its last status');
      expectValid(end, MESSAGE, FIELDS);
    });

  it('describes an inbound message', async () => {
    const receiver = await startReceiver();
    await twilio.set({ service_url: receiver.url });
    await twilio.inbound({ NumMedia: 1 });
    const sid = String(receiver.received[0]?.form.get('MessageSid'));
    expectValid((await twilio.fetchMessage(sid)).body, MESSAGE, FIELDS);
    await receiver.stop();
  });

  it('describes pages of messages and of media, and a media file', async () => {
    const { sid } = (await twilio.create({ MediaUrl: ['https://a.example/b', 'https://a.example/c'] })).body;
    await twilio.create();
    for (const query of ['', '?PageSize=1']) {
      const { body: page } = await twilio.twilio('GET', `${MESSAGES}.json${query}`);
      expectValid(page, schemaOf('.json'));
      const { body: media } = await twilio.twilio('GET', `${MESSAGES}/${sid}/Media.json${query}`);
      expectValid(media, schemaOf('~1{MessageSid}~1Media.json'));
      expectValid((await twilio.twilio('GET', media.media_list[0].uri)).body, MEDIA);
    }
  });
});
