import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { freePort, processesOf, type Running, run, runToEnd, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;

describe('The start of the service', function () {
  this.timeout(180_000);
  let directory: string;
  let environment: Record<string, string>;
  let running: Running | undefined;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-terminal-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    environment = {
      DATA_DIR: join(directory, 'data'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
    };
  });
  afterEach(async () => {
    if (running?.child.exitCode === null && running.child.signalCode === null)
      await running.signal('SIGTERM');
    running = undefined;
  });

  it('shows every step and then the links on a terminal, and stops when the terminal is closed', async function () {
    if (!hasScript) this.skip();
    running = run('script', ['-qefc', 'bin/start.sh', '/dev/null'], { ...environment, SHELL: '/bin/sh' });
    const { output } = running;
    await until(() => /Ready\. Stop with Ctrl-C\./.test(output.stdout), 'the service is ready');
    const shown = output.stdout.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('{'));
    expect(shown).to.deep.equal([
      'Starting the messaging service ...',
      'Starting the simulated providers ...',
      `Creating the database in ${environment.DATA_DIR} ...`,
      `Starting PostgreSQL in ${environment.DATA_DIR} ...`,
      'Checking the database ...',
      'Migrating the database ...',
      'Ready. Stop with Ctrl-C.',
      `  Service                      http://localhost:${environment.PORT}`,
      `  Reference                    http://localhost:${environment.PORT}/docs`,
      `  Simulator                    http://localhost:${environment.SIMULATOR_PORT}`,
      `  Webhooks of sms-simulator    http://localhost:${environment.PORT}/api/webhooks/sms-simulator`,
      `  Webhooks of email-simulator  http://localhost:${environment.PORT}/api/webhooks/email-simulator`,
    ]);
    await running.signal('SIGTERM');
    await until(() => processesOf(directory).length === 0, 'PostgreSQL has ended');
  });

  it('shows an error on a terminal as the last line', async function () {
    if (!hasScript) this.skip();
    const { code, stdout } = await runToEnd('script', ['-qefc', 'bin/start.sh', '/dev/null'], {
      ...environment,
      SHELL: '/bin/sh',
      PORT: 'eighty',
    });
    expect(code).to.equal(1);
    expect(stdout).to.match(/^Starting the messaging service \.\.\.\r\nmessaging-service: PORT: [^\n]+\n$/);
  });

  it('shows only the log without a terminal', async () => {
    running = await startProcess(environment);
    const { stdout, stderr } = running.output;
    expect(stderr).to.equal('');
    for (const line of stdout.trimEnd().split('\n')) expect(() => JSON.parse(line), line).not.to.throw();
  });

  describe('with a file of environment variables', () => {
    const withFile = async (text: string) => {
      environment.ENV_FILE = join(directory, 'env');
      await writeFile(environment.ENV_FILE, text);
    };

    it('reads variables from the file that the environment does not set', async () => {
      await withFile(`PORT=1\nexport API_KEYS="name:a-key-with-$-and-#" # comment\nROLE='api'\n`);
      running = await startProcess(environment);
      const list = (key: string) =>
        fetch(`${running?.url}/api/messages`, { headers: { authorization: `Bearer ${key}` } });
      expect((await list('a-key-with-$-and-#')).status).to.equal(200);
      expect((await list('another-key')).status).to.equal(401);
      expect(running.output.stdout).to.match(/"role":"api".*"msg":"ready"/);
    });

    it('reports a misspelt variable, an invalid line and an invalid value together, without the values', async () => {
      await withFile('DATABSE_URL=postgres://u:secret@h/d\nAPI_KEYS: secret\nAPI_KEY_FILE=secret\n');
      const { code, stdout, stderr } = await runToEnd('bin/start.sh', [], { ...environment, PORT: 'x' });
      expect([code, stdout]).to.deep.equal([1, '']);
      expect(stderr).to.match(
        /^messaging-service: API_KEY_FILE: .+ Did you mean API_KEYS_FILE\?\nmessaging-service: DATABSE_URL: .+ Did you mean DATABASE_URL\?\nmessaging-service: ENV_FILE: line 2 of .+\nmessaging-service: PORT: .+\n$/,
      );
      expect(stderr).not.to.contain('secret');
    });

    it('reads the file .env of the project by default', async () => {
      const project = join(directory, 'project');
      await mkdir(join(project, 'bin'), { recursive: true });
      for (const part of ['src', 'node_modules', 'bin/start.sh'])
        await symlink(resolve(part), join(project, part));
      await writeFile(join(project, '.env'), 'PROT=9000\n');
      const { stderr } = await runToEnd(join(project, 'bin/start.sh'), [], { ...environment, ENV_FILE: '' });
      expect(stderr).to.equal(
        'messaging-service: PROT: unknown variable in .env, line 1. Did you mean PORT?\n',
      );
    });

    it('fails if the file cannot be read', async () => {
      const { code, stderr } = await runToEnd('bin/start.sh', [], {
        ...environment,
        ENV_FILE: '/dev/null/x',
      });
      expect(code).to.equal(1);
      expect(stderr).to.match(/^messaging-service: ENV_FILE: \/dev\/null\/x cannot be read: .+\n$/);
    });
  });
});
