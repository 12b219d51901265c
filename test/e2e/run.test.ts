import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createClient } from '../../sdk/src/index.ts';
import { startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { startHarness, webhookSecret } from '../support/harness.ts';
import { useHome } from '../support/home.ts';
import { processesOf, runToEnd, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

describe('The service as a process', function () {
  this.timeout(180_000);
  const home = useHome();

  it('starts without a data directory, serves the eight requests of bin/test.sh, and keeps its data', async () => {
    home.environment.DATA_DIR = join(home.directory, 'none');
    home.running = await startProcess(home.environment);
    const script = await runToEnd('bin/test.sh', [home.running.url], {});
    expect(script.code, script.stdout).to.equal(0);
    expect(script.stdout.match(/^ok /gm)).to.have.length(8);

    const client = createClient({ baseUrl: home.running.url });
    const { data } = await client.conversations.list();
    expect(data.map(({ id, channels, message_count }) => [id, channels, message_count])).to.deep.equal([
      [2, ['email'], 2],
      [1, ['sms'], 4],
    ]);
    const { data: messages } = await client.conversations.messages(1);
    expect(messages.map(({ direction, type }) => `${direction} ${type}`)).to.deep.equal([
      'outbound sms',
      'outbound mms',
      'inbound sms',
      'inbound mms',
    ]);

    for (const id of [1, 2, 3]) {
      await until(
        async () => (await client.messages.get(id)).status === 'delivered',
        `message ${id} is delivered`,
      );
    }
    const { data: accepted } = (await (
      await fetch(`http://127.0.0.1:${home.environment.SIMULATOR_PORT}/_control/messages`)
    ).json()) as { data: Accepted[] };
    expect(accepted.map(({ request_count }) => request_count)).to.deep.equal([1, 1, 1]);

    expect(await home.running.signal('SIGINT')).to.equal(0);
    expect(processesOf(home.directory)).to.deep.equal([]);
    expect(home.running.output.stdout)
      .to.contain('"providers":{"sms":["sms-simulator"],"email":["email-simulator"]}')
      .and.to.contain('request completed')
      .and.not.to.match(/This is a|Bearer|whsec_/);
    home.running = await startProcess(home.environment);
    expect((await createClient({ baseUrl: home.running.url }).conversations.list()).data).to.have.length(2);
  });

  it('makes bin/test.sh fail while the service is stopped', async () => {
    const script = await runToEnd('bin/test.sh', [`http://127.0.0.1:${home.environment.PORT}`], {});
    expect(script.code).to.equal(1);
    expect(script.stdout).to.contain('8 of 8');
  });

  it('makes bin/test.sh name the missing API key and the missing signature', async () => {
    const API_KEY = 'correct-horse-battery';
    const service = await startHarness({
      API_KEYS: `first:${API_KEY}`,
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
    });
    const [withoutKey, withKey] = await Promise.all(
      ['', API_KEY].map((key) => runToEnd('bin/test.sh', [service.url], { API_KEY: key })),
    );
    await service.stop();
    expect(withoutKey?.stdout).to.contain('Set API_KEY to an API key of the service.');
    expect(withKey?.code).to.equal(1);
    expect(withKey?.stdout.match(/^FAIL .*\n.*\n.*$/gm)).to.have.length(2);
    expect(withKey?.stdout).to.contain('does not sign webhooks').and.not.to.contain('Set API_KEY');
  });

  describe('refuses to start with a one-line error', () => {
    const reason = async (changes: Record<string, string>) => {
      const { code, stderr } = await runToEnd('bin/start.sh', [], { ...home.environment, ...changes });
      expect(code, stderr).to.equal(1);
      expect(processesOf(home.directory)).to.deep.equal([]);
      return stderr;
    };

    it('for a port in use, which suggests a free port, before it creates the database', async () => {
      const other = await startSimulator();
      const DATA_DIR = join(home.directory, 'not-created');
      const error = await reason({ PORT: String(other.port), DATA_DIR });
      expect(error).to.match(
        new RegExp(`^messaging-service: PORT: 127.0.0.1:${other.port} is in use .*: PORT=\\d+ make run\n$`),
      );
      expect(existsSync(DATA_DIR)).to.equal(false);
      expect(await reason({ DATA_DIR, PORT: '0', SIMULATOR_PORT: String(other.port) })).to.match(
        new RegExp(`^messaging-service: SIMULATOR_PORT: .*${other.port} .* SIMULATOR_PORT=\\d+ make run\n$`),
      );
      const suggestion = Number(/PORT=(\d+) make/.exec(error)?.[1]);
      await other.stop();
      expect(suggestion).to.be.greaterThan(other.port).and.not.equal(Number(home.environment.SIMULATOR_PORT));
    });

    it('for each of several invalid variables', async () => {
      expect(await reason({ PORT: 'eighty', ROLE: 'boss' })).to.match(
        /^messaging-service: PORT: .+\nmessaging-service: ROLE: .+\n$/,
      );
    });
  });
});
