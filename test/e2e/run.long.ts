import { join } from 'node:path';
import { expect } from 'chai';
import { createClient } from '../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { sms } from '../support/bodies.ts';
import { useHome } from '../support/home.ts';
import { freePort, processesOf, run, runToEnd, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

describe('A process of the service', function () {
  this.timeout(180_000);
  const home = useHome();

  describe('with a provider in another process', () => {
    let simulator: Simulator;
    beforeEach(async () => {
      simulator = await startSimulator({
        apiKey: 'provider-key',
        settings: { service_url: `http://127.0.0.1:${home.environment.PORT}` },
      });
      Object.assign(home.environment, {
        PROVIDER_TIMEOUT_MS: '5000',
        SMS_PROVIDERS: 'text-co',
        TEXT_CO_URL: simulator.url,
        TEXT_CO_KEY: 'provider-key',
      });
    });
    afterEach(() => simulator.stop());

    for (const [when, faults] of [
      ['right after the response', []],
      [
        'while the provider processes the message',
        [{ channel: 'sms', type: 'latency', ms: 2_000, times: 1 }],
      ],
    ] as const) {
      it(`delivers an acknowledged message exactly once if it is killed ${when}`, async () => {
        const { status } = await fetch(`${simulator.url}/_control/faults`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(faults),
        });
        expect(status).to.equal(200);
        const read = async (log: 'calls' | 'messages') => {
          const response = await fetch(`${simulator.url}/_control/${log}`);
          return ((await response.json()) as { data: unknown[] }).data;
        };
        home.running = await startProcess(home.environment);
        let client = createClient({ baseUrl: home.running.url });
        const { id } = await client.messages.send(sms);
        const statusIs = (status: string) => async () => (await client.messages.get(id)).status === status;
        // The log of the simulator, because the first read of a message can take longer than the call.
        if (faults.length > 0)
          await until(async () => (await read('calls')).length > 0, 'the call has arrived');
        home.running.child.kill('SIGKILL');
        await until(() => home.running?.child.signalCode !== null, 'the service was killed');

        home.running = await startProcess(home.environment);
        client = createClient({ baseUrl: home.running.url });
        await until(statusIs('delivered'), 'the message is delivered');
        expect(await read('messages')).to.have.length(1);
      });
    }
  });

  describe('refuses to start with a one-line error', () => {
    const reason = async (changes: Record<string, string>) => {
      const { code, stderr } = await runToEnd('bin/start.sh', [], { ...home.environment, ...changes });
      expect(code, stderr).to.equal(1);
      expect(processesOf(home.directory)).to.deep.equal([]);
      return stderr;
    };

    it('for an address of another machine, and for a host name that does not exist', async () => {
      for (const HOST of ['192.0.2.1', 'no-such-host.invalid'])
        expect(await reason({ HOST, API_KEYS: 'name:a-long-enough-key' })).to.match(
          /^messaging-service: HOST: [^\n]+\n$/,
        );
    });

    it('for a data directory that cannot be created', async () => {
      expect(await reason({ DATA_DIR: '/dev/null/data' })).to.match(
        /^messaging-service: DATA_DIR: \/dev\/null\/data [^\n]+\n$/,
      );
    });

    it('for a database that does not respond', async () => {
      const url = `postgres://nobody@127.0.0.1:${await freePort()}/none`;
      expect(await reason({ DATABASE_URL: url })).to.match(/^messaging-service: DATABASE_URL: [^\n]+\n$/);
    });

    it('for an unknown command', async () => {
      for (const command of ['start', 'constructor']) {
        const { code, stderr } = await runToEnd('bin/start.sh', [command], home.environment);
        expect(code).to.equal(1);
        expect(stderr).to.equal(`messaging-service: "${command}" is not a command: serve, migrate, doctor\n`);
      }
    });

    it('for a data directory in use', async () => {
      home.running = await startProcess(home.environment);
      const { code, stderr } = await runToEnd('bin/start.sh', [], {
        ...home.environment,
        PORT: String(await freePort()),
        SIMULATOR_PORT: String(await freePort()),
      });
      expect(code).to.equal(1);
      expect(stderr).to.match(/^messaging-service: DATA_DIR: [^\n]+ is in use by another running service\n$/);
      expect((await fetch(`${home.running.url}/readyz`)).status).to.equal(200);
    });
  });

  it('only migrates the database if the command is migrate', async () => {
    const { code, stdout } = await runToEnd('bin/start.sh', ['migrate'], home.environment);
    expect(code).to.equal(0);
    expect(stdout).to.contain('20261126000000_initial');
    expect(processesOf(home.directory)).to.deep.equal([]);
  });

  it('stops cleanly during its start', async () => {
    home.environment.DATA_DIR = join(home.directory, 'none-yet');
    home.running = run('bin/start.sh', [], home.environment);
    await until(
      () => processesOf(home.directory).length > 0 || home.running?.output.stdout,
      'the start has begun',
    );
    expect(await home.running.signal('SIGTERM')).to.equal(0);
    expect(processesOf(home.directory)).to.deep.equal([]);
  });
});
