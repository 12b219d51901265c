import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createClient } from '../../../sdk/src/index.ts';
import { sms } from '../../support/bodies.ts';
import { freePort, processesOf, type Running, run, runToEnd, startProcess } from '../../support/process.ts';
import { until } from '../../support/until.ts';

describe('The embedded PostgreSQL of a service', function () {
  this.timeout(120_000);
  let directory: string;
  let environment: Record<string, string>;
  let running: Running;
  let sent = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-lifetime-'));
  });
  after(async () => {
    if (!hasEnded()) await running.signal('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  });
  const hasEnded = () => running.child.exitCode !== null || running.child.signalCode !== null;
  beforeEach(async () => {
    if (running && !hasEnded()) return;
    environment = {
      DATA_DIR: join(directory, 'data'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
    };
    running = await startProcess(environment);
  });

  const client = () => createClient({ baseUrl: running.url });
  const send = async () => {
    sent++;
    return (await client().messages.send(sms)).id;
  };
  const exitCode = async () => {
    await until(hasEnded, 'the service has ended');
    return running.child.exitCode;
  };
  const untilProcessesEnded = async () => {
    await until(() => processesOf(directory).length === 0, 'PostgreSQL has ended');
    await until(() => isClosed(environment.SIMULATOR_PORT), 'the simulator has ended');
  };
  const expectAllStored = async () => {
    const { data } = await client().conversations.list();
    expect(data.map(({ message_count }) => message_count)).to.deep.equal(sent > 0 ? [sent] : []);
  };

  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGABRT'] as const) {
    it(`ends after its service ended by ${signal}, and keeps all acknowledged messages`, async () => {
      await send();
      running.child.kill(signal);
      await exitCode();
      await untilProcessesEnded();
      running = await startProcess(environment);
      await expectAllStored();
    });
  }

  it('shuts down cleanly if its service receives several signals', async () => {
    for (const signals of [
      ['SIGINT', 'SIGINT', 'SIGINT'],
      ['SIGTERM', 'SIGTERM', 'SIGINT'],
      ['SIGHUP', 'SIGTERM'],
    ] as const) {
      await send();
      const group = -(running.child.pid ?? 0);
      for (const signal of signals) {
        process.kill(group, signal);
        await until(() => /"msg":"stopping"/.test(running.output.stdout), 'the service is stopping');
      }
      expect(await exitCode(), signals.join()).to.equal(0);
      expect(running.output.stdout).to.match(/"msg":"stopped"/);
      expect(processesOf(directory)).to.deep.equal([]);
      expect(await readFile(join(directory, 'data', 'postgres.log'), 'utf8')).to.match(
        /database system is shut down\n$/,
      );
      running = await startProcess(environment);
      await expectAllStored();
    }
  });

  it('keeps running if its supervisor shell receives SIGHUP, SIGINT or SIGTERM', async () => {
    const pids = processesOf(directory).map((line) => Number.parseInt(line, 10));
    const shells = processesOf(directory)
      .filter((line) => line.includes('/bin/sh'))
      .map((line) => Number.parseInt(line, 10));
    expect(shells).not.to.deep.equal([]);
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(Math.min(...shells), signal);
    await send();
    await expectAllStored();
    expect(processesOf(directory).map((line) => Number.parseInt(line, 10))).to.include.members(pids);
  });

  it('keeps all messages if another service starts right after its service was killed', async () => {
    await send();
    running.child.kill('SIGKILL');
    running = await startProcess(environment);
    await expectAllStored();
  });

  let restarts = 0;
  const untilRestarted = async () => {
    restarts++;
    const isLogged = () => running.output.stdout.match(/embedded PostgreSQL restarted/g)?.length === restarts;
    await until(isLogged, 'PostgreSQL is restarted');
  };

  for (const signal of ['SIGKILL', 'SIGQUIT', 'SIGINT'] as const) {
    it(`is restarted by its service after ${signal} ended PostgreSQL`, async () => {
      await send();
      process.kill(postmaster(directory), signal);
      await untilRestarted();
      await until(async () => (await fetch(`${running.url}/readyz`)).ok, 'the service is ready again');
      await send();
      await expectAllStored();
      expect(running.output.stdout).to.match(
        /"reason":"exit status [^"]+","msg":"embedded PostgreSQL exited/,
      );
    });
  }

  it('is restarted after its supervisor shell was killed', async () => {
    const [shell] = processesOf(directory).filter((line) => line.includes('/bin/sh'));
    process.kill(Number.parseInt(shell ?? '', 10), 'SIGKILL');
    await untilRestarted();
    await until(async () => (await fetch(`${running.url}/readyz`)).ok, 'the service is ready again');
    await send();
    await expectAllStored();
  });

  it('ends the service with exit code 1 and a reason if it cannot be restarted', async () => {
    // A new service, because a service limits the restarts within one minute.
    await running.signal('SIGTERM');
    running = await startProcess(environment);
    const control = join(directory, 'data', 'postgres', 'global', 'pg_control');
    await rename(control, `${control}.moved`);
    process.kill(postmaster(directory), 'SIGKILL');
    const code = await until(() => running.child.exitCode, 'the service has ended', 60_000);
    expect(code).to.equal(1);
    expect(running.output.stdout).to.match(/"level":60,.*DATA_DIR: PostgreSQL .*pg_control/);
    await untilProcessesEnded();
    await rename(`${control}.moved`, control);
  });

  it('starts although its lock file has the id of an unrelated process, as after a crash of the machine', async () => {
    running.child.kill('SIGKILL');
    await exitCode();
    await untilProcessesEnded();
    const file = join(directory, 'data', 'postgres', 'postmaster.pid');
    const lock = [
      process.pid,
      join(directory, 'data', 'postgres'),
      0,
      1,
      '',
      '127.0.0.1',
      '0 0',
      'ready',
      '',
    ];
    await writeFile(file, lock.join('\n'));
    running = await startProcess(environment);
    await expectAllStored();
  });

  it('ends if its service is killed during the start of PostgreSQL or the creation of the database', async () => {
    await running.signal('SIGTERM');
    running = run('bin/start.sh', [], environment);
    await until(() => processesOf(directory).length > 0, 'PostgreSQL is being started');
    running.child.kill('SIGKILL');
    await exitCode();
    await untilProcessesEnded();
    environment.DATA_DIR = join(directory, 'new');
    running = run('bin/start.sh', [], environment);
    const isCreating = async () =>
      (await readdir(join(directory, 'new')).catch(() => [])).join().includes('.new-');
    await until(isCreating, 'the database is being created');
    running.child.kill('SIGKILL');
    await exitCode();
    // Processes of the killed service may still run.
    const { code, stderr } = await runToEnd('bin/start.sh', ['migrate'], environment);
    expect([code, stderr]).to.deep.equal([0, '']);
    await untilProcessesEnded();
  });
});

function postmaster(directory: string): number {
  const file = readFileSync(join(directory, 'data', 'postgres', 'postmaster.pid'), 'utf8');
  return Number.parseInt(file, 10);
}

async function isClosed(port = ''): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/healthz`).then(
    () => false,
    () => true,
  );
}
