import { expect } from 'chai';
import { type Client, createClient } from '../../sdk/src/index.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { sms } from '../support/bodies.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { freePort, type Running, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';
import {
  type HoldingProvider,
  startHoldingProvider,
  untilRestarted,
  workerOf,
} from '../support/worker-process.ts';

describe('The worker process of ROLE=all', function () {
  this.timeout(180_000);
  let provider: HoldingProvider;
  let running: Running;
  let client: Client;

  before(async () => {
    provider = await startHoldingProvider();
    running = await startProcess({
      DATABASE_URL: await createMigratedDatabase(),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
      SMS_PROVIDERS: 'text-co',
      TEXT_CO_URL: provider.url,
      TEXT_CO_KEY: 'provider-key',
    });
    client = createClient({ baseUrl: running.url });
  });
  after(async () => {
    await running.signal('SIGTERM');
    await provider.stop();
  });

  let recipients = 0;
  const send = async () => (await client.messages.send({ ...sms, to: `+1804555${1_000 + recipients++}` })).id;
  const sent = (id: number) =>
    until(async () => (await client.messages.get(id)).status === 'sent', `message ${id} is sent`);
  const get = async (path: string) => {
    const response = await fetch(running.url + path);
    return { status: response.status, text: await response.text() };
  };
  const metric = async (line: RegExp) => Number(line.exec((await get('/metrics')).text)?.[1]);
  const breaker = async () => {
    const { channels = [] } = JSON.parse((await get('/readyz?verbose')).text) as Schema<'Readiness'>;
    return channels[0]?.accounts[0]?.breaker;
  };
  const worker = () => until(() => workerOf(running.child.pid), 'a worker process runs');

  it('delivers, and wakes up at once for a new message', async () => {
    await worker();
    const delays = [];
    for (let n = 0; n < 5; n++) {
      const id = await send();
      await sent(id);
      const [attempt] = (await client.messages.attempts(id)).data;
      const { created_at } = await client.messages.get(id);
      delays.push(Date.parse(attempt?.started_at ?? '') - Date.parse(created_at));
    }
    expect(Math.min(...delays)).to.be.lessThan(500);
  });

  it('has its metrics in /metrics, and the metrics of both processes about themselves', async () => {
    await sent(await send());
    const { text } = await get('/metrics');
    expect(text).to.match(/^messaging_messages_recorded_total{direction="outbound",type="sms"} \d+$/m);
    expect(text).to.match(
      /^messaging_delivery_attempt_seconds_count{provider="text-co",outcome="accepted"} [1-9]/m,
    );
    expect(text).to.match(/^messaging_provider_breaker_state{provider="text-co"} 0$/m);
    expect(text).to.match(/^messaging_queue_messages{channel="sms",status="queued"} \d+$/m);
    for (const name of [
      'process_start_time_seconds',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_seconds',
    ])
      for (const process of ['api', 'worker'])
        expect(await metric(new RegExp(`^${name}{process="${process}"} (.+)$`, 'm')), name).to.be.at.least(0);
    expect(text.match(/^# TYPE messaging_delivery_attempt_seconds /gm)).to.have.length(1);
  });

  it('reports the health of its accounts in /readyz?verbose', async () => {
    await until(async () => (await breaker()) === 'closed', 'the worker process reports its accounts');
  });

  it('is restarted after a SIGKILL, which is logged and counted', async () => {
    const pid = await worker();
    process.kill(pid, 'SIGKILL');
    await untilRestarted(running.child.pid, pid);
    await sent(await send());
    expect(running.output.stdout).to.match(
      /"level":50,.*"reason":"SIGKILL","msg":"worker process exited and is restarted"/,
    );
    await until(
      () => /"msg":"worker process restarted"/.test(running.output.stdout),
      'the restart is logged',
    );
    expect(running.output.stdout.match(/"msg":"worker process started"/g)).to.have.length(1);
    expect(await metric(/^messaging_internal_failures_total{what="worker_process"} (\d+)$/m)).to.equal(1);
  });

  it('does not affect requests while it is down', async () => {
    const ask = async () => {
      const { id } = await client.messages.send({ ...sms, to: '+18045559999' });
      const readiness = (await get('/readyz')).status;
      const metrics = (await get('/metrics')).status;
      return { id, answers: [readiness, metrics, await breaker(), (await client.messages.get(id)).status] };
    };
    // The delay before a restart grows with each restart, so that all requests fit into it on any machine.
    const { id, answers } = await until(async () => {
      const pid = workerOf(running.child.pid);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await until(() => workerOf(running.child.pid) === undefined, 'no worker process runs');
      const asked = await ask();
      return workerOf(running.child.pid) === undefined && asked;
    }, 'all requests are answered while no worker process runs');
    expect(answers).to.deep.equal([200, 200, null, 'queued']);
    await sent(id);
  });

  it('does not delay /metrics and /readyz?verbose while it hangs', async () => {
    const pid = await worker();
    await until(async () => (await breaker()) === 'closed', 'the worker process reports');
    process.kill(pid, 'SIGSTOP');
    try {
      expect((await get('/metrics')).text).to.contain('messaging_messages_recorded_total');
      expect(await breaker()).to.equal(null);
      expect(workerOf(running.child.pid)).to.equal(pid);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until(async () => (await breaker()) === 'closed', 'the worker process reports again');
  });
});
