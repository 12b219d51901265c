import { expect } from 'chai';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type FaultyProxy, startProxy } from '../../support/proxy.ts';
import { findRuntimes } from '../../support/runtimes.ts';
import type { SdkProject } from '../../support/sdk-project.ts';

const RUNTIMES = await findRuntimes();
/** The platform of CI, where all versions are available. */
const REQUIRED = process.env.CI !== undefined && `${process.platform}-${process.arch}` === 'linux-x64';
const API_KEY = 'correct-horse-battery';

/** Each kind of request of the SDK and each result of a request. */
const program = (url: string) => `
import { createClient, verifyWebhook } from '@messaging-service/sdk';

console.log('Node.js', process.versions.node);
const client = createClient({ baseUrl: '${url}', apiKey: '${API_KEY}', retryDelay: 1 });
const body = { from: '+12016661234', to: '+18045551234', body: 'Hi', type: 'sms' };
const rejection = (promise) => promise.then(() => 'no error', (error) => error);
const { signal } = new AbortController();

const sent = await client.messages.send(body, { signal, idempotencyKey: 'once' });
console.log('sent', sent.status);
console.log('again', (await client.messages.send(body, { idempotencyKey: 'once' })).id === sent.id);
console.log('read', (await client.messages.get(sent.id, { signal })).id === sent.id);
for await (const { body } of client.messages.list({ limit: 1 })) console.log('listed', body);
const { data } = await client.raw.GET('/api/messages/{id}', { params: { path: { id: sent.id } }, signal });
console.log('raw', data?.id === sent.id);
const refused = await rejection(client.messages.send({ ...body, from: 'a@x.org' }));
console.log('refused', refused.constructor.name, refused.message.includes('/body/from'));
const stop = AbortSignal.abort(new Error('stopped'));
console.log('aborted', (await rejection(client.messages.get(sent.id, { signal: stop }))).message);
const forged = { 'webhook-id': '1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' };
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const wrong = await rejection(verifyWebhook({ body: '{}', headers: new Headers(forged), secret, now: 1_000 }));
console.log('forged', wrong.code);
`;

const EXPECTED = `
sent queued
again true
read true
listed Hi
raw true
refused InvalidRequestError true
aborted stopped
forged wrong_signature
`;

export function runtimes(installed: () => SdkProject): void {
  describe('runs on', () => {
    let service: Harness;
    let proxy: FaultyProxy;
    beforeEach(async () => {
      service = await startHarness({ API_KEYS: `runtimes:${API_KEY}` });
      proxy = await startProxy(service.url);
    });
    afterEach(async () => {
      await proxy.stop();
      await service.stop();
    });

    for (const { version, path, installed: isInstalled } of RUNTIMES)
      it(`Node.js ${version}${isInstalled ? '' : ' (not installed: make test installs it if possible)'}`, async function () {
        if (!isInstalled && !REQUIRED) return this.skip();
        const project = installed();
        await project.write('runtime.js', program(proxy.url));
        proxy.faults.push(
          { type: 'status', status: 503 },
          { type: 'lost_response' },
          { type: 'cut_response' },
        );
        const { code, stdout, stderr } = await project.run('runtime.js', path);
        expect(code, stderr).to.equal(0);
        expect(stdout).to.equal(`Node.js ${version}${EXPECTED}`);
        expect(stderr).to.equal('');
        for (const { headers } of proxy.requests) expect(headers.authorization).to.equal(`Bearer ${API_KEY}`);
        const first = proxy.requests.slice(0, 4);
        expect(new Set(first.map(({ body }) => body)).size, 'one body in every try').to.equal(1);
        for (const { headers } of first)
          expect(headers).to.include({ 'idempotency-key': 'once', 'content-type': 'application/json' });
      });
  });
}
