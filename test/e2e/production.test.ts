import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { inboundSms, sms } from '../support/bodies.ts';
import { webhookSecret } from '../support/harness.ts';
import { freePort, type Running, runToEnd, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

const oldSecret = `whsec_${Buffer.alloc(24, 'old').toString('base64')}`;
const metricsToken = 'a-secret-token-for-metrics';
const [oldKey, newKey] = ['an-old-and-secret-key', 'a-new-and-secret-key'];
const now = () => Math.floor(Date.now() / 1_000);

describe('The service in production', function () {
  this.timeout(180_000);
  let directory: string;
  let simulator: Simulator;
  let service: Running;
  let environment: Record<string, string>;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-production-'));
    await writeFile(join(directory, 'keys'), `shop:${oldKey}\n`);
    simulator = await startSimulator({ apiKey: 'a-key-of-the-provider', webhookSecret });
    environment = {
      NODE_ENV: 'production',
      CONSENT_KEY: 'a-consent-key-for-production-0123456',
      SECRET_KEYS: 'a-secret-key-for-production-0123456',
      LOG_LEVEL: 'trace',
      DATA_DIR: join(directory, 'data'),
      PORT: String(await freePort()),
      API_KEYS_FILE: join(directory, 'keys'),
      METRICS_TOKEN: metricsToken,
      SMS_PROVIDERS: 'text-co',
      TEXT_CO_URL: simulator.url,
      TEXT_CO_KEY: 'a-key-of-the-provider',
      TEXT_CO_WEBHOOK_SECRETS: `${webhookSecret},${oldSecret}`,
      EMAIL_PROVIDERS: 'mail-co',
      MAIL_CO_URL: simulator.url,
      MAIL_CO_KEY: 'a-key-of-the-provider',
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    };
    service = await startProcess(environment);
  });
  after(async () => {
    if (service?.child.exitCode === null) await service.signal('SIGTERM');
    await simulator.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(service.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  const send = (key?: string, body = JSON.stringify(sms)) =>
    post('/api/messages/sms', body, key === undefined ? {} : { authorization: `Bearer ${key}` });
  const control = (path: string, body: unknown) =>
    fetch(`${simulator.url}/_control/${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('responds equally to a missing and a wrong API key, and accepts a valid key', async () => {
    const answers = [];
    for (const key of [undefined, 'a-wrong-and-secret-key', 'x', oldKey.slice(0, -1)]) {
      const response = await send(key);
      const { request_id: _, ...problem } = (await response.json()) as { request_id: string };
      const { date: _date, 'x-request-id': _id, ...headers } = Object.fromEntries(response.headers);
      answers.push({ status: response.status, problem, headers });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).to.equal(1);
    expect(answers[0]?.status).to.equal(401);
    expect((await send(oldKey)).status).to.equal(202);
  });

  it('accepts a webhook only with a valid signature', async () => {
    const event = JSON.stringify(inboundSms);
    const receive = async (headers = {}) => (await post('/api/webhooks/sms', event, headers)).status;
    expect(await receive()).to.equal(401);
    expect(await receive({ authorization: `Bearer ${oldKey}` })).to.equal(401);
    expect(await receive(sign(webhookSecret, 'evt_1', now() - 400, event))).to.equal(401);
    expect(await receive(sign(webhookSecret, 'evt_1', now(), `${event} `))).to.equal(401);
    expect(await receive(sign(oldSecret, 'evt_1', now(), event))).to.equal(200);
    expect(await receive(sign(webhookSecret, 'evt_1', now(), event))).to.equal(200);
  });

  it('shows its metrics and accounts to a monitoring system with the metrics token, and to nobody else', async () => {
    const get = async (path: string, credentials?: string) => {
      const headers = credentials === undefined ? {} : { authorization: `Bearer ${credentials}` };
      const response = await fetch(service.url + path, { headers });
      return { status: response.status, text: await response.text() };
    };
    for (const path of ['/metrics', '/readyz?verbose']) {
      expect((await get(path)).status, path).to.equal(401);
      expect((await get(path, 'a-wrong-token')).status, path).to.equal(401);
      expect((await get(path, oldKey)).status, path).to.equal(200);
      expect((await get(path, metricsToken)).status, path).to.equal(200);
    }
    const hasWorker = async () => (await get('/metrics', metricsToken)).text.includes('process="worker"');
    await until(hasWorker, 'the worker process reports its metrics');
    expect((await get('/readyz')).status).to.equal(200);
    expect((await get('/api/conversations', metricsToken)).status).to.equal(401);
  });

  it('logs the names of API keys, but no key, secret, signature or message body', async () => {
    const event = JSON.stringify({ ...inboundSms, messaging_provider_id: 'another' });
    const valid = sign(webhookSecret, 'evt_2', now(), event);
    const invalid = sign(oldSecret, 'evt_2', now(), event);
    await control('faults', [
      { channel: 'sms', type: 'reset', times: 1 },
      { channel: 'sms', type: 'malformed', times: 1 },
    ]);
    await send(oldKey, `{"from": "${oldKey}"`);
    await send(oldKey, JSON.stringify({ ...sms, [newKey]: newKey }));
    await post('/api/webhooks/sms', event, valid);
    await post('/api/webhooks/email', event, invalid);
    await fetch(`${service.url}/api/conversations?api_key=${oldKey}`);
    await send(newKey);
    await writeFile(join(directory, 'next'), `${newKey.slice(0, 4)}\n`);
    await rename(join(directory, 'next'), join(directory, 'keys'));
    await until(() => /API keys not reloaded/.test(service.output.stdout), 'the fault is logged');
    expect((await send(oldKey)).status).to.equal(202);
    await writeFile(join(directory, 'next'), `shop:${oldKey}\nshop-2:${newKey}\n`);
    await rename(join(directory, 'next'), join(directory, 'keys'));
    await until(() => /API keys reloaded/.test(service.output.stdout), 'the reload is logged');
    const { id } = (await (await send(newKey)).json()) as { id: number };
    const headers = { authorization: `Bearer ${newKey}` };
    await until(async () => {
      const response = await fetch(`${service.url}/api/messages/${id}`, { headers });
      const message = (await response.json()) as { status: string };
      return message.status === 'sent' || message.status === 'delivered';
    }, 'the message is sent');
    expect(await service.signal('SIGTERM')).to.equal(0);

    const log = service.output.stdout + service.output.stderr;
    expect(log).to.match(/"response":{"status":202},"api_key":"shop-2"/);
    expect(log).to.match(/"response":{"status":400},"api_key":"shop"/);
    expect(log).to.match(/"api_keys":\["shop","shop-2"\]/);
    expect(log).to.match(/"outcome":"(unavailable|unknown)"/);
    const secrets = [
      oldKey,
      newKey,
      metricsToken,
      'a-wrong-and-secret-key',
      'a-key-of-the-provider',
      'Bearer',
      'whsec_',
    ];
    const signatures = [valid, invalid].map((signed) => `${signed['webhook-signature']}`.slice(3));
    const texts = [sms.body, inboundSms.body];
    for (const secret of [...secrets, webhookSecret.slice(6), oldSecret.slice(6), ...signatures, ...texts])
      expect(log.includes(secret), secret).to.equal(false);
  });

  it('refuses to start and reports all reasons at once', async () => {
    const { code, stdout, stderr } = await runToEnd('bin/start.sh', [], {
      NODE_ENV: 'production',
      CONSENT_KEY: 'a-consent-key-for-production-0123456',
      SECRET_KEYS: 'a-secret-key-for-production-0123456',
      PORT: 'eighty',
      RATE_LIMIT_PER_SECOND: '-1',
      DATABASE_URL: 'user:pass word@nowhere',
      EMAIL_PROVIDERS: 'mail-co',
      MAIL_CO_URL: simulator.url,
    });
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => line.split(': ')[1]),
    ).to.have.members([
      'PORT',
      'RATE_LIMIT_PER_SECOND',
      'DATABASE_URL',
      'MAIL_CO_KEY',
      'API_KEYS',
      'SMS_PROVIDERS',
      'MAIL_CO_WEBHOOK_SECRETS',
    ]);
    expect(stderr).not.to.contain('pass word');
  });
});
