import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { CallContext, Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { PROFILE_ID } from '../../../src/simulator/dialects/telnyx/message.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { mms, sms } from '../../support/bodies.ts';
import { startHarness } from '../../support/harness.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { callContext, filesAt, outgoing, startProviderServer } from '../../support/provider-server.ts';
import { API_KEY, SEED, telnyxEnvironment } from '../../support/telnyx.ts';

const description = findPrism('telnyx.json');
const CALLBACK = { webhookUrl: 'https://messaging.example/api/webhooks/telnyx' };
const MEDIA = ['https://a.example/b.png', 'https://a.example/c.gif?d=e&f=%20'];
const delivery_key = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e01';

/** Prism, an independent server, compares each request and response with Telnyx's own description of its API. */
describe(`Telnyx's own API description accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let prism: Prism;
  /** The paths of the description begin after the version, so that Prism has no version in its paths. */
  let gateway: Awaited<ReturnType<typeof startProviderServer>>;
  before(async function () {
    if (!description) return this.skip();
    simulator = await startSimulator({
      ...{ apiKey: API_KEY, telnyx: { seed: SEED } },
      settings: { receipts: { delay_ms: 5 } },
    });
    prism = await startPrism(description, `${simulator.url}/telnyx/v2`);
    gateway = await startProviderServer(async (request, response) => {
      const { method = '', url = '', headers } = request;
      const body = Buffer.concat(await request.toArray());
      const answer = await fetch(prism.url + url.replace(/^\/v2/, ''), {
        ...{ method, ...(body.length > 0 && { body }) },
        headers: {
          authorization: String(headers.authorization ?? ''),
          'content-type': String(headers['content-type'] ?? ''),
        },
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    });
  });
  after(async () => {
    await gateway?.stop();
    await prism?.stop();
    await simulator?.stop();
  });

  const environment = (more: Record<string, string> = {}) => ({ ...telnyxEnvironment(gateway.url), ...more });
  /** The adapter as the service makes it of its configuration. */
  const send = (
    message: Partial<Outgoing>,
    context: Partial<CallContext> = CALLBACK,
    more?: Record<string, string>,
  ) => {
    const { accounts } = loadConfig(environment(more));
    const provider = createRegistry(accounts, 20_000).sms[0] as Provider;
    return provider.send({ ...outgoing, delivery_key, ...message }, callContext(context));
  };

  const group = ['+18045551234', '+18045551235', '+18045551236'];
  const sends: Record<string, Parameters<typeof send>> = {
    'an SMS': [{ body: 'a+b & ü 👋 \n' }],
    'an SMS without a callback URL': [{}, {}],
    'an SMS with a messaging profile': [{}, CALLBACK, { TELNYX_MESSAGING_PROFILE_ID: PROFILE_ID }],
    'an MMS with several media': [{ type: 'mms', files: filesAt(...MEDIA) }],
    'an MMS with media and no text': [{ type: 'mms', body: '', files: filesAt(...MEDIA) }],
    'an MMS without media': [{ type: 'mms' }],
    'a group MMS': [{ type: 'mms', to: group, files: filesAt(...MEDIA) }],
    'a group MMS without media': [{ type: 'mms', to: group }],
    'a group of eight': [{ type: 'mms', to: Array.from({ length: 8 }, (_, n) => `+1804555123${n}`) }],
  };
  for (const [title, parameters] of Object.entries(sends))
    it(title, async () => {
      expect(await send(...parameters)).to.include({ outcome: 'accepted', httpStatus: 200 });
    });

  it('the requests of a service whose messages are delivered', async () => {
    // Prism refuses callback URLs on this machine, so the reports go to the URL of the messaging profile.
    const service = await startHarness(environment());
    try {
      await fetch(`${simulator.url}/_control/settings`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ service_url: service.url }),
      });
      for (const body of [sms, { ...mms, to: '+18045550002' }, { ...mms, to: group }]) {
        const { id } = (await service.request('POST', '/api/messages/sms', body)).body;
        await service.untilStatus(id, 'delivered');
      }
    } finally {
      await service.stop();
    }
  });

  describe('no request that violates it:', () => {
    const post = (path: string, body: object, headers = {}) =>
      fetch(prism.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    const base = { to: sms.to, from: sms.from, text: 'Hello' };

    it('another type, no recipient, nine recipients, another path, no credentials', async () => {
      expect(await post('/messages', base)).to.equal(200);
      expect(await post('/messages', { ...base, type: 'FAX' })).to.equal(422);
      expect(await post('/messages', { from: sms.from, text: 'Hello' })).to.equal(422);
      expect(await post('/messages', { ...base, to: group })).to.equal(422);
      const nine = Array.from({ length: 9 }, (_, n) => `+1804555123${n}`);
      expect(await post('/messages/group_mms', { ...base, to: nine })).to.equal(422);
      expect(await post('/texts', base)).to.equal(404);
      expect(await post('/messages', base, { authorization: '' })).to.equal(401);
    });
  });
});
