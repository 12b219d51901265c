import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { type Client, createClient } from '../../../sdk/src/index.ts';
import { openApiDocument } from '../../../src/openapi/document.ts';
import { addSamples } from '../../../src/openapi/overlay.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { runToEnd } from '../../support/process.ts';
import { until } from '../../support/until.ts';
import { inboundBody, store } from '../../support/webhooks.ts';

interface Sample {
  lang: 'sh' | 'ts';
  label: string;
  source: string;
}
interface Operation {
  operationId: string;
  tags: string[];
  'x-codeSamples'?: Sample[];
}

const apiKey = 'your-api-key';
const webhookPassword = 'a-password-of-webhooks';
const paths = addSamples(openApiDocument()).paths as unknown as Record<string, Record<string, Operation>>;
const operations = Object.values(paths).flatMap((path) => Object.values(path));
const samplesIn = (lang: Sample['lang']) =>
  operations.flatMap(({ operationId, 'x-codeSamples': samples = [] }) =>
    samples.filter((sample) => sample.lang === lang).map(({ source }) => ({ operationId, source })),
  );

/**
 * A service with the data that the samples use: message 1 is delivered, 2 scheduled, and 3 failed. Participants 2 and 3
 * share no conversation. Webhooks 1 and 2 are stored. Endpoints 1 and 2 are disabled.
 */
async function startWithSampleData(): Promise<Harness> {
  const service = await startHarness({
    PUBLIC_URL: 'https://messages.example.com',
    API_KEYS: `samples:${apiKey}`,
    TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
    MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    EMAIL_PROVIDERS: 'mail-co,postmark',
    POSTMARK_SERVER_TOKEN: 'a-server-token',
    POSTMARK_WEBHOOK_PASSWORD: webhookPassword,
    MIME_WEBHOOK_SECRETS: webhookSecret,
  });
  const client = createClient({ baseUrl: service.url, apiKey });
  const from = '+12016661234';
  await client.messages.send({ from, to: '+18045551234', body: 'Your parcel is packed.' });
  await untilStatus(client, 1, 'delivered');
  await client.messages.send({ from, to: '+18045551234', body: 'Later.', send_at: '2999-01-01T00:00:00Z' });
  await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'status', status: 400 }]);
  await client.messages.send({ from, to: '+18045550000', body: 'Refused.' });
  await untilStatus(client, 3, 'failed');
  await service.control('PUT', '/_control/faults', []);
  for (const id of ['stored-1', 'stored-2']) await store(service.databaseUrl, inboundBody(id));
  for (const url of ['https://one.example/events', 'https://two.example/events'])
    await client.endpoints.create({ url, enabled: false });
  return service;
}

const untilStatus = (client: Client, id: number, status: string) =>
  until(async () => (await client.messages.get(id)).status === status, `message ${id} is ${status}`);

describe('The code samples of the contract', function () {
  this.timeout(120_000);
  let service: Harness;
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'samples-'));
    service = await startWithSampleData();
  });
  afterEach(async () => {
    await service?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('include a curl sample for every operation and an SDK sample for every operation of the SDK', () => {
    const ofSdk = operations.filter(({ tags: [tag = ''] }) => !['Webhooks', 'System'].includes(tag));
    expect(samplesIn('sh').map(({ operationId }) => operationId)).to.deep.equal(
      operations.map(({ operationId }) => operationId),
    );
    expect(samplesIn('ts').map(({ operationId }) => operationId)).to.include.members(
      ofSdk.map(({ operationId }) => operationId),
    );
  });

  it('with curl succeed when run in order', async () => {
    // Code 28: the stream has begun and does not end.
    const runOf = (id: string, source: string) =>
      id === 'streamEvents' ? `limit='--max-time 2'; { ${source}; } || [ $? = 28 ]; limit=` : source;
    const steps = samplesIn('sh').map(
      ({ operationId: id, source }) => `echo '# ${id}'\n${runOf(id, source.trim())}`,
    );
    const script = [
      'set -euo pipefail',
      'limit=',
      'curl() { command curl --silent --show-error --fail-with-body --output /dev/null $limit "$@"; }',
      ...steps,
    ].join('\n');
    const { code, stdout, stderr } = await runToEnd(
      'bash',
      ['-c', script.replaceAll('http://127.0.0.1:8080', service.url)],
      { API_KEY: apiKey, WEBHOOK_SECRET: webhookSecret, WEBHOOK_PASSWORD: webhookPassword },
    );
    expect(code, `${stdout}${stderr}`).to.equal(0);
    expect(stdout.match(/^# /gm)).to.have.length(steps.length);
  });

  it('with the SDK compile, and succeed when run in order', async () => {
    const samples = samplesIn('ts');
    const sdk = resolve('sdk/src/index.ts');
    for (const { operationId, source } of samples)
      await writeFile(
        join(directory, `${operationId}.mts`),
        source.replace("'@messaging-service/sdk'", `'${sdk}'`).replace('http://127.0.0.1:8080', service.url),
      );
    const run = samples.map(({ operationId }) => `await import('./${operationId}.mts');`).join('\n');
    await writeFile(join(directory, 'all.mts'), run);
    const compilerOptions = { typeRoots: [resolve('node_modules/@types')], types: ['node'] };
    const project = { extends: resolve('tsconfig.json'), compilerOptions, include: ['*.mts'] };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(project));
    const compiled = await runToEnd(
      process.execPath,
      [resolve('node_modules/.bin/tsc'), '-p', directory],
      {},
    );
    expect(compiled.code, compiled.stdout).to.equal(0);

    const { code, stdout, stderr } = await runToEnd(process.execPath, [join(directory, 'all.mts')], {});
    expect(code, stderr).to.equal(0);
    expect(stdout).to.contain('canceled');
    expect(stdout).to.contain('<mark>parcel</mark>');
    expect(stdout).to.contain('Ada Lovelace');
    expect(stdout).to.contain('END:VCARD');
  });
});
