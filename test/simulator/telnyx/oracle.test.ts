import { expect } from 'chai';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { API_KEY, PUBLIC_KEY, publicKeyOf, seedFor } from '../../support/telnyx.ts';
import { until } from '../../support/until.ts';
import { FROM, type Receiver, startReceiver, startTelnyx, type Telnyx, TO } from './support.ts';

interface Message {
  id: string;
  type: string;
  to: { phone_number: string; status: string }[];
}

interface ApiError {
  status: number;
  errors?: { code: string }[];
  error?: { errors?: { code: string }[] };
}

interface Client {
  messages: {
    send(message: object): Promise<{ data: Message }>;
    sendGroupMms(message: object): Promise<{ data: Message }>;
    retrieve(id: string): Promise<{ data: Message }>;
  };
  messagingProfiles: { list(query: object): Promise<{ data: { enabled: boolean }[] }> };
  webhooks: {
    unwrap(
      body: string,
      options: { headers: object; key?: string },
    ): Promise<{ data: { event_type: string } }>;
  };
}

/** The parts of the official library that the tests use. */
interface Library {
  default: new (options: {
    apiKey: string;
    baseURL: string;
    publicKey: string;
    maxRetries: number;
  }) => Client;
}

const library = findOracle<Library>('telnyx');

describe(`The official Telnyx library${library ? '' : NOT_INSTALLED}`, () => {
  let telnyx: Telnyx;
  let receiver: Receiver;
  before(function () {
    if (!library) this.skip();
  });
  beforeEach(async () => {
    receiver = await startReceiver();
    telnyx = await startTelnyx({ service_url: receiver.url });
  });
  afterEach(async () => {
    await telnyx.stop();
    await receiver.stop();
  });

  function client(apiKey = API_KEY): Client {
    const { default: Telnyx } = library as Library;
    return new Telnyx({ apiKey, baseURL: `${telnyx.url}/telnyx/v2`, publicKey: PUBLIC_KEY, maxRetries: 0 });
  }

  const message = { to: TO, from: FROM, text: 'Ahoy 👋' };
  const codeOf = (error: ApiError) => [error.status, (error.errors ?? error.error?.errors)?.[0]?.code];

  it('sends a message and reads it until it is delivered', async () => {
    const { data } = await client().messages.send(message);
    expect(data).to.include({ type: 'SMS' });
    await until(async () => {
      const { data: now } = await client().messages.retrieve(data.id);
      return now.to[0]?.status === 'delivered';
    }, 'the message is delivered');
  });

  it('sends media, and a group message', async () => {
    const media_urls = ['https://a.example/b.png'];
    expect((await client().messages.send({ ...message, media_urls })).data.type).to.equal('MMS');
    const { data } = await client().messages.sendGroupMms({ ...message, to: [TO, '+18045551235'] });
    expect(data.to.map(({ phone_number }) => phone_number)).to.deep.equal([TO, '+18045551235']);
  });

  it('lists the messaging profiles', async () => {
    const { data } = await client().messagingProfiles.list({ page: { size: 1 } });
    expect(data[0]?.enabled).to.equal(true);
  });

  it('has an error with the code of a refusal', async () => {
    const send = (apiKey: string, to: string) =>
      client(apiKey)
        .messages.send({ ...message, to })
        .catch(codeOf);
    expect(await send(API_KEY, '+18040040300')).to.deep.equal([409, '40300']);
    expect(await send(API_KEY, '+12010000009')).to.deep.equal([400, '40310']);
    expect(await send('wrong-key', TO)).to.deep.equal([401, '10009']);
  });

  it('accepts the signatures of reports and of inbound messages, and no other signature', async () => {
    await telnyx.call('PUT', '/_control/settings', { telnyx: { unknown_fields: true } });
    await client().messages.send(message);
    await receiver.untilReceived(2);
    await telnyx.inbound({ text: 'a+b & ü \n👋' });
    const { webhooks } = client();
    const refused = (body: string, options: Parameters<typeof webhooks.unwrap>[1]) =>
      webhooks.unwrap(body, options).then(
        () => false,
        () => true,
      );
    for (const { headers, text } of await receiver.untilReceived(3)) {
      const own = {
        'telnyx-signature-ed25519': headers['telnyx-signature-ed25519'],
        'telnyx-timestamp': headers['telnyx-timestamp'],
      };
      expect((await webhooks.unwrap(text, { headers: own })).data.event_type).to.match(/^message\./);
      expect(await refused(`${text} `, { headers: own })).to.equal(true);
      expect(await refused(text, { headers: own, key: publicKeyOf(seedFor('other')) })).to.equal(true);
      const later = { ...own, 'telnyx-timestamp': String(Number(own['telnyx-timestamp']) + 1) };
      expect(await refused(text, { headers: later })).to.equal(true);
    }
  });
});
