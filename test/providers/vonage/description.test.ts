import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { CallContext, Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { createTokens } from '../../../src/providers/vonage/token.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { mms, sms } from '../../support/bodies.ts';
import { startHarness } from '../../support/harness.ts';
import { findPrism, NO_PRISM, type Prism, startPrism } from '../../support/prism.ts';
import { freePort } from '../../support/process.ts';
import { callContext, filesAt, outgoing } from '../../support/provider-server.ts';
import { APPLICATION_ID, PRIVATE_KEY, SIMULATED, vonageAccount } from '../../support/vonage.ts';

const description = findPrism('vonage-messages.json');
const CALLBACK = { webhookUrl: 'https://messaging.example/api/webhooks/vonage' };
const delivery_key = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e01';

/** Writes the description with the path of its server in its path, because Prism ignores the path of a server. */
function writeWithWholePath(path: string, directory: string): string {
  const document = JSON.parse(readFileSync(path, 'utf8'));
  const [{ url }] = document.servers;
  document.paths = { [new URL(url).pathname]: document.paths['/'] };
  document.servers = [{ url: new URL(url).origin }];
  const written = join(directory, 'vonage-messages.json');
  writeFileSync(written, JSON.stringify(document));
  return written;
}

/** Prism, an independent server, compares each request and response with Vonage's own description of its API. */
describe(`Vonage's own API description accepts${description ? '' : NO_PRISM}`, function () {
  this.timeout(60_000);
  let directory: string;
  let simulator: Simulator;
  let prism: Prism;
  before(async function () {
    if (!description) return this.skip();
    directory = mkdtempSync(join(tmpdir(), 'messaging-prism-'));
    simulator = await startSimulator({ ...SIMULATED, settings: { receipts: { delay_ms: 5 } } });
    prism = await startPrism(writeWithWholePath(description, directory), `${simulator.url}/vonage`);
  });
  after(async () => {
    await prism?.stop();
    await simulator?.stop();
    if (directory) rmSync(directory, { recursive: true });
  });

  const environment = (more: Record<string, string> = {}) => ({
    ...{ SMS_PROVIDERS: 'vonage', ...vonageAccount(prism.url) },
    ...more,
  });
  /** The adapter as the service makes it of its configuration. */
  const send = (message: Partial<Outgoing>, context: Partial<CallContext> = CALLBACK) => {
    const { accounts } = loadConfig(environment());
    const adapter = createRegistry(accounts, 20_000).sms[0] as Provider;
    return adapter.send({ ...outgoing, delivery_key, ...message }, callContext(context));
  };

  const media = (file: string): Partial<Outgoing> => ({
    type: 'mms',
    files: filesAt(`https://a.example/${file}`),
  });
  const sends: Record<string, Parameters<typeof send>> = {
    'an SMS': [{ body: 'a+b & ü 👋 \n' }],
    'an SMS of 1,000 characters from a sender id': [{ body: 'x'.repeat(1_000), from: 'ACME' }],
    'an SMS without a callback URL': [{}, {}],
    'an MMS with a picture': [media('b.png')],
    'an MMS with a picture and no text': [{ ...media('b.gif?d=e&f=%20'), body: '' }],
    'an MMS with an audio file': [media('b.mp3')],
    'an MMS with a video': [media('b.mp4')],
    'an MMS with a vCard': [media('b.vcf')],
  };
  for (const [title, parameters] of Object.entries(sends))
    it(title, async () => {
      expect(await send(...parameters)).to.include({ outcome: 'accepted', httpStatus: 202 });
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

  it('the responses to refused messages', async () => {
    const outcome = await send({ to: ['+18040000009'] });
    expect(outcome).to.include({ outcome: 'rejected', code: '1430', httpStatus: 422 });
  });

  describe('no request that violates it:', () => {
    const post = (fields: object, authorization = `Bearer ${createTokens(APPLICATION_ID, PRIVATE_KEY)()}`) =>
      fetch(`${prism.url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
        body: JSON.stringify({
          ...{ channel: 'sms', message_type: 'text', text: 'Hello', to: '18045551234', from: '12016661234' },
          ...fields,
        }),
      });

    it('another channel or type, a short recipient, no text, no credentials', async () => {
      expect((await post({})).status).to.equal(202);
      const wrong = [{ channel: 'fax' }, { message_type: 'hologram' }, { to: '1' }, { text: undefined }];
      for (const fields of wrong) {
        const response = await post(fields);
        expect(response.status, JSON.stringify(fields)).to.equal(422);
        expect(await response.text(), JSON.stringify(fields)).to.match(/stoplight|UNPROCESSABLE|violation/i);
      }
      expect((await post({}, '')).status).to.equal(401);
    });
  });
});
