import { expect } from 'chai';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { until } from '../../support/until.ts';
import { APPLICATION_ID, PRIVATE_KEY } from '../../support/vonage.ts';
import { type Receiver, startReceiver } from '../support.ts';
import { FROM, startVonage, TO, type Vonage } from './support.ts';

/** The parts of the official library that the tests use. */
interface Library {
  Messages: new (
    credentials: { applicationId: string; privateKey: string },
    options: { apiHost: string },
  ) => { send(message: object): Promise<{ messageUUID: string }> };
  SMS: new (message: object) => object;
  MMSImage: new (message: object) => object;
  MMSVideo: new (message: object) => object;
}

const library = findOracle<Library>('@vonage/messages');

describe(`The official Messages library of Vonage${library ? '' : NOT_INSTALLED}`, () => {
  let vonage: Vonage;
  let receiver: Receiver;
  before(function () {
    if (!library) this.skip();
  });
  beforeEach(async () => {
    receiver = await startReceiver();
    vonage = await startVonage({ service_url: receiver.url });
  });
  afterEach(async () => {
    await vonage.stop();
    await receiver.stop();
  });

  const { Messages, SMS, MMSImage, MMSVideo } = library ?? ({} as Library);
  const client = (applicationId = APPLICATION_ID) =>
    new Messages({ applicationId, privateKey: PRIVATE_KEY }, { apiHost: `${vonage.url}/vonage` });

  it('sends an SMS, whose statuses have its reference', async () => {
    const sms = new SMS({ to: TO, from: FROM, text: 'Ahoy 👋', clientRef: 'ref', webhookUrl: receiver.url });
    const { messageUUID } = await client().send(sms);
    const [accepted] = await vonage.accepted();
    expect(accepted?.id).to.equal(messageUUID);
    expect(accepted?.request).to.include({ text: 'Ahoy 👋', message_type: 'text', channel: 'sms' });
    await until(() => receiver.received.length === 2, 'both statuses are received');
    expect(receiver.received.map(({ body }) => body.client_ref)).to.deep.equal(['ref', 'ref']);
  });

  it('sends MMS as the service does', async () => {
    const image = { url: 'https://a.example/b.png', caption: 'Look' };
    await client().send(new MMSImage({ to: TO, from: FROM, image }));
    await client().send(new MMSVideo({ to: TO, from: FROM, video: image }));
    const requests = (await vonage.accepted()).map(({ request }) => request);
    expect(requests[0]).to.deep.include({ channel: 'mms', message_type: 'image', image });
    expect(requests[1]).to.deep.include({ channel: 'mms', message_type: 'video', video: image });
  });

  it('has the status of a refusal', async () => {
    const statusOf = (sent: Promise<unknown>) =>
      sent.then(
        () => 202,
        (error) => error.response?.status,
      );
    const sms = (to: string) => new SMS({ to, from: FROM, text: 'Hello' });
    expect(await statusOf(client().send(sms('18040000009')))).to.equal(422);
    expect(await statusOf(client('bbbbbbbb-bbbb-4ccc-8ddd-0123456789ab').send(sms(TO)))).to.equal(401);
  });
});
