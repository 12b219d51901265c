import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { until } from '../support/until.ts';
import { request, sms } from './support.ts';

const main = fileURLToPath(new URL('../../src/simulator/main.ts', import.meta.url));
const coverage = process.env.NODE_V8_COVERAGE;

describe('The simulator as a process', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  function environment(given: Record<string, string>): Record<string, string> {
    return { SIMULATOR_PORT: '0', ...(coverage && { NODE_V8_COVERAGE: coverage }), ...given };
  }

  function started(given: Record<string, string> = {}) {
    const child = spawn(process.execPath, [main], {
      env: environment(given),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return { child, stderr: text(child.stderr), exited: once(child, 'exit') };
  }

  function forked(given: Record<string, string> = {}) {
    const child = fork(main, { env: environment(given), stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    const message = once(child, 'message').then(([received]) => received);
    return { child, message, exited: once(child, 'exit') };
  }

  async function urlOf({ stdout }: ChildProcess): Promise<string> {
    let output = '';
    stdout?.on('data', (chunk) => {
      output += chunk;
    });
    return until(() => /http:\S+/.exec(output)?.[0], 'the URL is on stdout');
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`prints its URL, and exits with code 0 on ${signal}`, async () => {
      const { child, exited } = started();
      expect((await request(`${await urlOf(child)}/healthz`)).status).to.equal(200);
      child.kill(signal);
      expect(await exited).to.deep.equal([0, null]);
    });
  }

  it('has the options of its environment', async () => {
    const { child } = started({
      SIMULATOR_API_KEY: 'key',
      SIMULATOR_SERVICE_URL: 'http://127.0.0.1:9',
      SIMULATOR_SEED: '5',
      SIMULATOR_LOOKUP: 'false',
      SIMULATOR_HONOUR_IDEMPOTENCY_KEYS: 'false',
      SIMULATOR_RECEIPT_DELAY_MS: '9',
      SIMULATOR_WEBHOOK_SECRET: '',
    });
    const url = await urlOf(child);
    expect((await request(`${url}/sms/messages`, 'POST', sms)).status).to.equal(401);
    const { body } = await request(`${url}/_control/settings`);
    expect(body).to.deep.include({
      service_url: 'http://127.0.0.1:9',
      seed: 5,
      lookup: false,
      honour_idempotency_keys: false,
    });
    expect(body.receipts.delay_ms).to.equal(9);
  });

  it('prints one line for each invalid variable', async () => {
    const { stderr, exited } = started({
      SIMULATOR_PORT: '70000',
      SIMULATOR_SERVICE_URL: 'nowhere',
      SIMULATOR_SEED: 'x',
      SIMULATOR_LOOKUP: 'perhaps',
      SIMULATOR_WEBHOOK_SECRET: 'hush',
      SIMULATOR_RECEIPT_DELAY_MS: '-1',
    });
    expect(await exited).to.deep.equal([1, null]);
    const lines = (await stderr).trimEnd().split('\n');
    expect(lines).to.have.lengthOf(6);
    for (const line of lines) expect(line).to.match(/^simulator: SIMULATOR_\w+: /);
    expect(lines.join()).not.to.include('hush');
  });

  describe('on a port in use', () => {
    const holder = createServer();
    let port: string;
    before(async () => {
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
      port = String((holder.address() as AddressInfo).port);
    });
    after(() => void holder.close());

    it('prints one line and exits', async () => {
      const { stderr, exited } = started({ SIMULATOR_PORT: port });
      expect(await exited).to.deep.equal([1, null]);
      expect(await stderr).to.equal(`simulator: port ${port} on 127.0.0.1 is in use\n`);
    });

    it('reports the reason to its parent and exits', async () => {
      const { message, exited } = forked({ SIMULATOR_PORT: port });
      expect(await message).to.deep.equal({ type: 'failed', reason: `port ${port} on 127.0.0.1 is in use` });
      expect(await exited).to.deep.equal([1, null]);
    });
  });

  describe('with a parent', () => {
    it('reports its URL, and exits when the parent has disconnected', async () => {
      const { child, message, exited } = forked();
      const { type, url } = await message;
      expect(type).to.equal('listening');
      expect((await request(`${url}/healthz`)).status).to.equal(200);
      child.disconnect();
      expect(await exited).to.deep.equal([0, null]);
    });

    it('continues to serve after a signal to the process group, and exits when the parent closes the channel', async () => {
      const { child, message, exited } = forked();
      const { url } = await message;
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGTERM', 'SIGHUP'] as const) {
        child.kill(signal);
        expect((await request(`${url}/healthz`)).status, signal).to.equal(200);
      }
      child.disconnect();
      expect(await exited).to.deep.equal([0, null]);
    });

    it('reports invalid variables to its parent and exits', async () => {
      const { message, exited } = forked({ SIMULATOR_SEED: 'x' });
      expect(await message).to.deep.equal({
        type: 'failed',
        reason: 'SIMULATOR_SEED: must be a whole number from 0 to 2147483647',
      });
      expect(await exited).to.deep.equal([1, null]);
    });
  });
});
