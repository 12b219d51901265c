import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { inboundSms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { freePort, processesOf, type Running, runToEnd, startProcess } from '../../support/process.ts';
import { until } from '../../support/until.ts';

describe('A full disk', function () {
  this.timeout(120_000);
  let disk: string;
  let environment: Record<string, string>;
  let running: Running | undefined;

  before(async function () {
    disk = await mkdtemp(join(tmpdir(), 'messaging-disk-'));
    // Skipped without the permission to mount a file system.
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=110m,mode=755', 'tmpfs', disk]);
    if (status !== 0) {
      await rm(disk, { recursive: true });
      return this.skip();
    }
    environment = {
      DATA_DIR: join(disk, 'data'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
    };
  });
  after(async () => {
    if (running?.child.exitCode === null) await running.signal('SIGTERM');
    spawnSync('umount', ['--lazy', disk]);
    await rm(disk, { recursive: true, force: true });
  });

  const fill = () => {
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=64k']);
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'small-filler')}`, 'bs=512']);
  };
  const freeSpace = async () => {
    await rm(join(disk, 'filler'));
    await rm(join(disk, 'small-filler'));
  };
  const readiness = async () => (await fetch(`${running?.url}/readyz`)).status;
  const receive = async (n: number) => {
    const response = await fetch(`${running?.url}/api/webhooks/sms`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...inboundSms, messaging_provider_id: `full-${n}`, body: 'x'.repeat(1_000) }),
    });
    return response.status;
  };

  it('makes the service not ready, causes only responses with 503, and loses no acknowledged message', async () => {
    running = await startProcess({ ...environment, API_KEYS: '' });
    fill();
    await until(async () => (await readiness()) === 503, 'the service is not ready');
    expect((await fetch(`${running.url}/healthz`)).status).to.equal(200);
    let kept = 0;
    for (let n = 0, status = 200; status === 200; n++) {
      status = await receive(n);
      expect([200, 503]).to.include(status);
      if (status === 200) kept++;
    }
    await freeSpace();
    await until(async () => (await readiness()) === 200, 'the service is ready again');
    expect(await receive(10_000)).to.equal(200);
    const { data } = (await (await fetch(`${running.url}/api/conversations`)).json()) as {
      data: { message_count: number }[];
    };
    expect(data.map(({ message_count }) => message_count)).to.deep.equal([kept + 1]);
  });

  it('ends the service with the reason in the log when PostgreSQL cannot be restarted', async () => {
    fill();
    const password = await readFile(join(disk, 'data', 'postgres.password'), 'utf8');
    const [, , , port] = (await readFile(join(disk, 'data', 'postgres', 'postmaster.pid'), 'utf8')).split(
      '\n',
    );
    const url = `postgres://messaging_user:${password}@127.0.0.1:${port}/messaging_service`;
    // The disk has no space for the new segment of the write-ahead log.
    const exhausted = async () => {
      await query(url, 'create table filler as select 1 as n').catch(() => undefined);
      return query(url, 'select pg_switch_wal()').then(
        () => false,
        () => true,
      );
    };
    await until(exhausted, 'the write-ahead log cannot grow');
    await until(() => running?.child.exitCode !== null, 'the service has ended', 60_000);
    expect(running?.child.exitCode).to.equal(1);
    expect(running?.output.stdout).to.match(/"level":60,.*DATA_DIR: .*No space left on device/);
    expect(processesOf(disk)).to.deep.equal([]);
  });

  it('stops the start with a one-line error, with and without an existing database', async () => {
    const reason = /^messaging-service: DATA_DIR: [^\n]*No space left on device[^\n]*\n$/i;
    expect((await runToEnd('bin/start.sh', [], environment)).stderr).to.match(reason);
    await rm(join(disk, 'data'), { recursive: true });
    fill();
    expect((await runToEnd('bin/start.sh', [], environment)).stderr).to.match(reason);
    await freeSpace();
    running = await startProcess(environment);
    expect(await receive(1)).to.equal(200);
  });
});
