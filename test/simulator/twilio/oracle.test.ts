import { expect } from 'chai';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { until } from '../../support/until.ts';
import {
  API_KEY,
  AUTH_TOKEN,
  FROM,
  type Receiver,
  startReceiver,
  startTwilio,
  TO,
  type Twilio,
} from './support.ts';

interface Message {
  sid: string;
  status: string;
  body: string;
  to: string;
  from: string;
  numMedia: string;
  dateCreated: Date;
  dateSent: Date | null;
  errorCode: number | null;
}

interface MessageContext {
  fetch(): Promise<Message>;
  update(change: object): Promise<Message>;
  remove(): Promise<boolean>;
  media: { list(): Promise<{ contentType: string; parentSid: string }[]> };
}

interface Client {
  messages: ((sid: string) => MessageContext) & {
    create(message: object): Promise<Message>;
    list(filter: object): Promise<Message[]>;
  };
}

interface RequestOptions {
  uri: string;
}

interface HttpClient {
  request(options: RequestOptions): Promise<unknown>;
}

/** The parts of the official library that the tests use. */
interface Library {
  (user: string, password: string, options: { accountSid: string; httpClient: HttpClient }): Client;
  RequestClient: new (options?: object) => HttpClient;
  validateRequest(
    token: string,
    signature: string,
    url: string,
    form: Record<string, string | string[]>,
  ): boolean;
}

const library = findOracle<Library>('twilio');

describe(`The official Twilio library${library ? '' : NOT_INSTALLED}`, () => {
  let twilio: Twilio;
  let receiver: Receiver;
  before(function () {
    if (!library) this.skip();
  });
  beforeEach(async () => {
    receiver = await startReceiver();
    twilio = await startTwilio({ service_url: receiver.url });
  });
  afterEach(async () => {
    await twilio.stop();
    await receiver.stop();
  });

  /** The client of the library, whose requests go to the simulator. */
  function client(user = ACCOUNT_SID, password = AUTH_TOKEN): Client {
    const { RequestClient } = library as Library;
    class SimulatorClient extends RequestClient {
      override request(options: RequestOptions): Promise<unknown> {
        const uri = options.uri.replace('https://api.twilio.com', `${twilio.url}/twilio`);
        return super.request({ ...options, uri });
      }
    }
    const httpClient = new SimulatorClient();
    return (library as Library)(user, password, { accountSid: ACCOUNT_SID, httpClient });
  }

  const message = { to: TO, from: FROM, body: 'Ahoy 👋' };

  it('sends a message and reads it until it is delivered', async () => {
    const sent = await client().messages.create(message);
    expect(sent).to.include({ ...message, status: 'queued', numMedia: '0', errorCode: null });
    expect(sent.dateCreated).to.be.instanceOf(Date);
    const read = () => client().messages(sent.sid).fetch();
    const delivered = await until(async () => {
      const now = await read();
      return now.status === 'delivered' && now;
    }, 'the message is delivered');
    expect(delivered.dateSent).to.be.instanceOf(Date);
  });

  it('sends with an API key, and its error has the code of a refusal', async () => {
    const withKey = client(API_KEY.sid, API_KEY.secret);
    expect((await withKey.messages.create(message)).sid).to.match(/^SM/);
    const refused = await withKey.messages.create({ ...message, to: '+15005550001' }).catch((error) => error);
    expect(refused).to.include({ status: 400, code: 21211 });
    expect(refused.moreInfo).to.match(/21211$/);
    const wrong = await client(ACCOUNT_SID, 'x')
      .messages.create(message)
      .catch((error) => error);
    expect(wrong).to.include({ status: 401, code: 20003 });
  });

  it('lists messages by recipient, sender and time, over several pages', async () => {
    const { messages } = client();
    const sids: string[] = [];
    for (let count = 0; count < 5; count++) sids.unshift((await messages.create(message)).sid);
    await messages.create({ ...message, to: '+18045550000' });
    const filter = { to: TO, from: FROM, dateSentAfter: new Date(Date.now() - 60_000) };
    const listed = await messages.list({ ...filter, pageSize: 2 });
    expect(listed.map(({ sid }) => sid)).to.deep.equal(sids);
    expect(await messages.list({ ...filter, dateSentAfter: new Date(Date.now() + 60_000) })).to.deep.equal(
      [],
    );
    expect(await messages.list({ ...filter, limit: 3, pageSize: 2 })).to.have.lengthOf(3);
  });

  it('removes the body of a message, and deletes the message', async () => {
    const { messages } = client();
    const { sid } = await messages.create(message);
    expect((await messages(sid).update({ body: '' })).body).to.equal('');
    const cancel = await messages(sid)
      .update({ status: 'canceled' })
      .catch((error) => error);
    expect(cancel).to.include({ code: 30409 });
    expect(await messages(sid).remove()).to.equal(true);
    expect(
      await messages(sid)
        .fetch()
        .catch((error) => error),
    ).to.include({ status: 404, code: 20404 });
  });

  it('sends and lists media', async () => {
    const mediaUrl = ['https://a.example/b.png', 'https://a.example/c.gif'];
    const { messages } = client();
    const sent = await messages.create({ ...message, mediaUrl });
    expect(sent.numMedia).to.equal('2');
    const media = await messages(sent.sid).media.list();
    expect(media.map(({ contentType }) => contentType)).to.deep.equal(['image/png', 'image/gif']);
    expect(media[0]?.parentSid).to.equal(sent.sid);
  });

  it('accepts the signatures of status callbacks and of inbound messages, and no other signature', async () => {
    const { validateRequest } = library as Library;
    await twilio.set({ twilio: { unknown_fields: true } });
    await client().messages.create({ ...message, statusCallback: `${receiver.url}/in?key=a%2Bb+c&x=it's` });
    await receiver.untilReceived(3);
    await twilio.inbound({ Body: 'a+b & ü \n', NumMedia: 1 });
    for (const { path, headers, form } of await receiver.untilReceived(4)) {
      const names = [...new Set(form.keys())];
      const valuesOf = (name: string) =>
        form.getAll(name).length > 1 ? form.getAll(name) : String(form.get(name));
      const parameters = Object.fromEntries(names.map((name) => [name, valuesOf(name)]));
      const signature = String(headers['x-twilio-signature']);
      const url = receiver.url + path;
      expect(validateRequest(AUTH_TOKEN, signature, url, parameters), url).to.equal(true);
      expect(validateRequest('x'.repeat(32), signature, url, parameters)).to.equal(false);
      expect(validateRequest(AUTH_TOKEN, signature, url, { ...parameters, From: '+1' })).to.equal(false);
      expect(validateRequest(AUTH_TOKEN, signature, `${url}x`, parameters)).to.equal(false);
    }
  });
});
