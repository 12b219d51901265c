import { spawnSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { useHome } from '../support/home.ts';
import { processesOf, run, runToEnd, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

const hasScript = spawnSync('script', ['--version']).status === 0;

describe('The start of the service', function () {
  this.timeout(180_000);
  const home = useHome();

  it('shows every step and then the links on a terminal, and stops when the terminal is closed', async function () {
    if (!hasScript) this.skip();
    home.running = run('script', ['-qefc', 'bin/start.sh', '/dev/null'], {
      ...home.environment,
      SHELL: '/bin/sh',
    });
    const { output } = home.running;
    await until(() => /Ready\. Stop with Ctrl-C\./.test(output.stdout), 'the service is ready');
    const shown = output.stdout.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('{'));
    expect(shown).to.deep.equal([
      'Starting the messaging service ...',
      'Starting the simulated providers ...',
      `Creating the database in ${home.environment.DATA_DIR} ...`,
      `Starting PostgreSQL in ${home.environment.DATA_DIR} ...`,
      'Checking the database ...',
      'Migrating the database ...',
      'Ready. Stop with Ctrl-C.',
      `  Service                      http://localhost:${home.environment.PORT}`,
      `  Reference                    http://localhost:${home.environment.PORT}/docs`,
      `  Simulator                    http://localhost:${home.environment.SIMULATOR_PORT}`,
      `  Webhooks of sms-simulator    http://localhost:${home.environment.PORT}/api/webhooks/sms-simulator`,
      `  Webhooks of email-simulator  http://localhost:${home.environment.PORT}/api/webhooks/email-simulator`,
    ]);
    await home.running.signal('SIGTERM');
    await until(() => processesOf(home.directory).length === 0, 'PostgreSQL has ended');
  });

  it('shows an error on a terminal as the last line', async function () {
    if (!hasScript) this.skip();
    const { code, stdout } = await runToEnd('script', ['-qefc', 'bin/start.sh', '/dev/null'], {
      ...home.environment,
      SHELL: '/bin/sh',
      PORT: 'eighty',
    });
    expect(code).to.equal(1);
    expect(stdout).to.match(/^Starting the messaging service \.\.\.\r\nmessaging-service: PORT: [^\n]+\n$/);
  });

  it('shows only the log without a terminal', async () => {
    home.running = await startProcess(home.environment);
    const { stdout, stderr } = home.running.output;
    expect(stderr).to.equal('');
    for (const line of stdout.trimEnd().split('\n')) expect(() => JSON.parse(line), line).not.to.throw();
  });

  describe('with a file of environment variables', () => {
    const withFile = async (text: string) => {
      home.environment.ENV_FILE = join(home.directory, 'env');
      await writeFile(home.environment.ENV_FILE, text);
    };

    it('reads variables from the file that the environment does not set', async () => {
      await withFile(`PORT=1\nexport API_KEYS="name:a-key-with-$-and-#" # comment\nROLE='api'\n`);
      home.running = await startProcess(home.environment);
      const list = (key: string) =>
        fetch(`${home.running?.url}/api/messages`, { headers: { authorization: `Bearer ${key}` } });
      expect((await list('a-key-with-$-and-#')).status).to.equal(200);
      expect((await list('another-key')).status).to.equal(401);
      expect(home.running.output.stdout).to.match(/"role":"api".*"msg":"ready"/);
    });

    it('reports a misspelt variable, an invalid line and an invalid value together, without the values', async () => {
      await withFile('DATABSE_URL=postgres://u:secret@h/d\nAPI_KEYS: secret\nAPI_KEY_FILE=secret\n');
      const { code, stdout, stderr } = await runToEnd('bin/start.sh', [], { ...home.environment, PORT: 'x' });
      expect([code, stdout]).to.deep.equal([1, '']);
      expect(stderr).to.match(
        /^messaging-service: API_KEY_FILE: .+ Did you mean API_KEYS_FILE\?\nmessaging-service: DATABSE_URL: .+ Did you mean DATABASE_URL\?\nmessaging-service: ENV_FILE: line 2 of .+\nmessaging-service: PORT: .+\n$/,
      );
      expect(stderr).not.to.contain('secret');
    });

    it('reads the file .env of the project by default', async () => {
      const project = join(home.directory, 'project');
      await mkdir(join(project, 'bin'), { recursive: true });
      for (const part of ['src', 'node_modules', 'bin/start.sh'])
        await symlink(resolve(part), join(project, part));
      await writeFile(join(project, '.env'), 'PROT=9000\n');
      const { stderr } = await runToEnd(join(project, 'bin/start.sh'), [], {
        ...home.environment,
        ENV_FILE: '',
      });
      expect(stderr).to.equal(
        'messaging-service: PROT: unknown variable in .env, line 1. Did you mean PORT?\n',
      );
    });

    it('fails if the file cannot be read', async () => {
      const { code, stderr } = await runToEnd('bin/start.sh', [], {
        ...home.environment,
        ENV_FILE: '/dev/null/x',
      });
      expect(code).to.equal(1);
      expect(stderr).to.match(/^messaging-service: ENV_FILE: \/dev\/null\/x cannot be read: .+\n$/);
    });
  });
});
