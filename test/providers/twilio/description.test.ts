import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { CallContext, Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { mms, sms } from '../../support/bodies.ts';
import { startHarness } from '../../support/harness.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { freePort } from '../../support/process.ts';
import { callContext, filesAt, outgoing } from '../../support/provider-server.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from '../../support/twilio.ts';

const description = findPrism('twilio.json');
const API_KEY = { sid: `SK${'b'.repeat(32)}`, secret: 's'.repeat(32) };
const CALLBACK = { webhookUrl: 'https://messaging.example/api/webhooks/twilio' };
const MEDIA = ['https://a.example/b.png', 'https://a.example/c.gif?d=e&f=%20'];
const delivery_key = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e01';

/** Prism, an independent server, compares each request and response with Twilio's own description of its API. */
describe(`Twilio's own API description accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let prism: Prism;
  before(async function () {
    if (!description) return this.skip();
    simulator = await startSimulator({
      apiKey: AUTH_TOKEN,
      twilio: { accountSid: ACCOUNT_SID, apiKey: API_KEY },
      settings: { receipts: { delay_ms: 5 } },
    });
    prism = await startPrism(description, `${simulator.url}/twilio`);
  });
  after(async () => {
    await prism?.stop();
    await simulator?.stop();
  });

  const environment = (more: Record<string, string> = {}) => ({
    ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: prism.url },
    ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
    ...more,
  });
  /** The adapter as the service makes it of its configuration. */
  const adapter = (more?: Record<string, string>) => {
    const { accounts } = loadConfig(environment(more));
    return createRegistry(accounts, 20_000).sms[0] as Provider;
  };
  const send = (
    message: Partial<Outgoing>,
    context: Partial<CallContext> = CALLBACK,
    more?: Record<string, string>,
  ) => adapter(more).send({ ...outgoing, delivery_key, ...message }, callContext(context));

  const sends: Record<string, Parameters<typeof send>> = {
    'an SMS': [{ body: 'a+b & ü 👋 \n' }],
    'an SMS without a callback URL': [{}, {}],
    'an SMS with a Messaging Service': [
      {},
      CALLBACK,
      { TWILIO_MESSAGING_SERVICE_SID: `MG${'c'.repeat(32)}` },
    ],
    'an SMS with an API key': [
      {},
      CALLBACK,
      { TWILIO_API_KEY_SID: API_KEY.sid, TWILIO_API_KEY_SECRET: API_KEY.secret },
    ],
    'an MMS': [{ type: 'mms', files: filesAt(...MEDIA.slice(0, 1)) }],
    'an MMS with several media': [{ type: 'mms', files: filesAt(...MEDIA) }],
    'an MMS with media and no text': [{ type: 'mms', body: '', files: filesAt(...MEDIA) }],
    'an MMS without media': [{ type: 'mms' }],
  };
  for (const [title, parameters] of Object.entries(sends))
    it(title, async () => {
      expect(await send(...parameters)).to.include({ outcome: 'accepted', httpStatus: 201 });
    });

  it('a look-up, of a message that was sent and of a message that was not', async () => {
    const message = { ...outgoing, delivery_key, created_at: new Date(), to: ['+18045557777'] };
    expect(await adapter().lookUp(message, callContext())).to.deep.equal({ candidates: [] });
    const { providerMessageId } = (await send(message)) as { providerMessageId: string };
    expect(await adapter().lookUp(message, callContext())).to.deep.equal({ candidates: [providerMessageId] });
  });

  it('the requests of a service whose messages are delivered', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const service = await startHarness(environment({ PORT: String(port), PUBLIC_URL: url }));
    try {
      for (const body of [sms, { ...mms, to: '+18045550002' }]) {
        const { id } = (await service.request('POST', '/api/messages/sms', body)).body;
        await service.untilStatus(id, 'delivered');
      }
    } finally {
      await service.stop();
    }
  });

  describe('no request that violates it:', () => {
    const path = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`;
    const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
    const post = (form: Record<string, string>, { at = path, headers = {} } = {}) =>
      fetch(prism.url + at, {
        method: 'POST',
        headers: { authorization, ...headers },
        body: new URLSearchParams({ To: sms.to, From: sms.from, Body: 'Hello', ...form }),
      }).then(({ status }) => status);

    it('the adapter with an invalid callback URL', async () => {
      const outcome = await send({}, { webhookUrl: 'not a URL' });
      expect(outcome).to.include({ outcome: 'rejected', httpStatus: 422 });
    });

    it('a boolean that is none, a Messaging Service that is none, another path, another account, no credentials', async () => {
      expect(await post({})).to.equal(201);
      expect(await post({ SendAsMms: 'maybe' })).to.equal(422);
      expect(await post({ MessagingServiceSid: 'MG1' })).to.equal(422);
      expect(await post({}, { at: path.replace('Messages', 'Texts') })).to.equal(404);
      expect(await post({}, { at: path.replace(ACCOUNT_SID, 'AC1') })).to.equal(422);
      expect(await post({}, { headers: { authorization: '' } })).to.equal(401);
    });

    it('a look-up with pages of no messages', async () => {
      const query = new URLSearchParams({ To: sms.to, PageSize: '0' });
      const response = await fetch(`${prism.url}${path}?${query}`, { headers: { authorization } });
      expect(response.status).to.equal(422);
    });
  });
});
