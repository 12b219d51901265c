import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createClient } from '../../sdk/src/index.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { sms } from '../support/bodies.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { freePort, type Running, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';
import {
  type HoldingProvider,
  isAlive,
  startHoldingProvider,
  untilRestarted,
  workerOf,
} from '../support/worker-process.ts';

describe('The end of the worker process of ROLE=all', function () {
  this.timeout(180_000);
  let provider: HoldingProvider;
  let databaseUrl: string;
  let running: Running | undefined;

  beforeEach(async () => {
    provider = await startHoldingProvider();
    databaseUrl = await createMigratedDatabase();
  });
  afterEach(async () => {
    if (running?.child.exitCode === null && running.child.signalCode === null)
      await running.signal('SIGTERM');
    running = undefined;
    await provider.stop();
  });

  const start = async (environment: Record<string, string> = { DATABASE_URL: databaseUrl }) => {
    running = await startProcess({
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
      SMS_PROVIDERS: 'text-co',
      TEXT_CO_URL: provider.url,
      TEXT_CO_KEY: 'provider-key',
      ...environment,
    });
    const service = running;
    const worker = await until(() => workerOf(service.child.pid), 'a worker process runs');
    await until(async () => {
      const response = await fetch(`${service.url}/readyz?verbose`);
      const { channels = [] } = (await response.json()) as Schema<'Readiness'>;
      return channels[0]?.accounts[0]?.breaker === 'closed';
    }, 'the worker process reports its accounts');
    return { service, worker, client: createClient({ baseUrl: service.url }) };
  };
  /** Sends a message whose call stays in flight. */
  const sendHeld = async ({ client }: Awaited<ReturnType<typeof start>>) => {
    const calls = provider.keys.length;
    provider.hold();
    const { id } = await client.messages.send(sms);
    await until(() => provider.keys.length > calls, 'the call is in flight');
    return id;
  };
  const attempts = (id: number) =>
    query<{ outcome: string; code: string | null }>(
      databaseUrl,
      'select outcome, code from delivery_attempts where message_id = $1 order by number',
      [id],
    );
  const hasEnded = (worker: number) => until(() => !isAlive(worker), 'the worker process has ended');

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    it(`settles the calls in flight after ${signal} to all processes`, async () => {
      const started = await start();
      const id = await sendHeld(started);
      process.kill(started.worker, signal);
      const stopped = started.service.signal(signal);
      await until(() => /"msg":"stopping"/.test(started.service.output.stdout), 'the service stops');
      provider.release();
      expect(await stopped).to.equal(0);
      expect(isAlive(started.worker)).to.equal(false);
      expect(started.service.output.stdout).not.to.match(/worker process exited/);
      expect(await attempts(id)).to.deep.equal([{ outcome: 'accepted', code: null }]);
    });

  it('does not follow from a signal to the worker process alone', async () => {
    const { service, worker, client } = await start();
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(worker, signal);
    const { id } = await client.messages.send(sms);
    await until(async () => (await client.messages.get(id)).status === 'sent', 'the message is sent');
    expect(workerOf(service.child.pid)).to.equal(worker);
  });

  it('follows a SIGKILL of the service, after the calls in flight are settled', async () => {
    const started = await start();
    const id = await sendHeld(started);
    started.service.child.kill('SIGKILL');
    await until(() => started.service.child.signalCode !== null, 'the service has ended');
    provider.release();
    await hasEnded(started.worker);
    expect(await attempts(id)).to.deep.equal([{ outcome: 'accepted', code: null }]);
  });

  it('follows a SIGKILL of the service within STOP_TIMEOUT_MS, with a call that never ends', async () => {
    const started = await start({ DATABASE_URL: databaseUrl, STOP_TIMEOUT_MS: '1000' });
    const id = await sendHeld(started);
    started.service.child.kill('SIGKILL');
    await hasEnded(started.worker);
    expect((await attempts(id)).map(({ outcome }) => outcome)).to.deep.equal(['unknown']);
  });

  it('is enforced at a stop if the worker process hangs', async () => {
    const { service, worker } = await start({ DATABASE_URL: databaseUrl, STOP_TIMEOUT_MS: '2000' });
    process.kill(worker, 'SIGSTOP');
    expect(await service.signal('SIGTERM')).to.equal(0);
    expect(isAlive(worker)).to.equal(false);
    expect(service.output.stdout).to.match(/did not stop and is killed/);
  });

  describe('with the embedded PostgreSQL', () => {
    let directory: string;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'messaging-worker-'));
    });
    after(() => rm(directory, { recursive: true, force: true }));

    it('does not delay its messages by their lease: the next process repeats them at once', async () => {
      const started = await start({ DATA_DIR: join(directory, 'data') });
      const id = await sendHeld(started);
      process.kill(started.worker, 'SIGKILL');
      await untilRestarted(started.service.child.pid, started.worker);
      provider.release();
      const { client } = started;
      await until(async () => (await client.messages.get(id)).status === 'sent', 'the message is sent');
      const { data } = await client.messages.attempts(id);
      expect(data.map(({ outcome, code }) => [outcome, code])).to.deep.equal([
        ['unknown', 'worker_lost'],
        ['accepted', null],
      ]);
      const [first, second] = data.map(({ started_at }) => Date.parse(started_at));
      const leaseMs = 3 * 10_000 + 11_000;
      expect((second ?? 0) - (first ?? 0)).to.be.below(leaseMs);
      expect(new Set(provider.keys).size).to.equal(1);
    });

    it('follows a SIGKILL of the service at once, because the next service repeats the messages', async () => {
      const started = await start({ DATA_DIR: join(directory, 'data') });
      await sendHeld(started);
      started.service.child.kill('SIGKILL');
      await hasEnded(started.worker);
      const restarted = await start({ DATA_DIR: join(directory, 'data') });
      await until(() => provider.keys.length > 1, 'the next service repeats the call');
      provider.release();
      await until(
        async () => (await restarted.client.messages.list()).data.every(({ status }) => status === 'sent'),
        'the messages are sent',
      );
    });
  });
});
