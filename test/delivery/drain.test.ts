import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { FIND_DUE } from '../../src/delivery/claim.ts';
import { sms } from '../helpers/bodies.ts';
import { query } from '../helpers/database.ts';
import { environmentFor, type Harness, startHarness } from '../helpers/harness.ts';
import { freePort, type Running, startProcess } from '../helpers/process.ts';
import { until } from '../helpers/until.ts';

describe('A worker as a process', function () {
  this.timeout(90_000);
  let api: Harness;
  const workers: Running[] = [];
  beforeEach(async () => {
    api = await startHarness({ ROLE: 'api' });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(({ child }) => child.exitCode ?? child.kill('SIGKILL')));
    await api.stop();
  });

  const startWorker = async (environment: Record<string, string> = {}): Promise<Running> => {
    const worker = await startProcess({
      ...environmentFor(api.simulator.url, api.databaseUrl),
      ROLE: 'worker',
      PORT: String(await freePort()),
      PROVIDER_TIMEOUT_MS: '10000',
      DELIVERY_CONCURRENCY: '16',
      LOG_LEVEL: 'warn',
      ...environment,
    });
    workers.push(worker);
    return worker;
  };
  const count = async (where: string) =>
    (await query<{ n: number }>(api.databaseUrl, `select count(*)::int as n from ${where}`))[0]?.n as number;

  it('stopped in the middle of a drain loses no attempt and repeats none, and exits with 0', async () => {
    const total = 400;
    await api.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 20 }]);
    await Promise.all(
      Array.from({ length: total }, (_, n) =>
        api.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + (n % 80)}` }),
      ),
    );
    const first = await startWorker();
    await until(async () => (await api.accepted()).length > 40, 'the drain has begun');
    const asked = performance.now();
    expect(await first.signal('SIGTERM')).to.equal(0);
    expect(performance.now() - asked).to.be.lessThan(10_000);
    const taken = await api.accepted();
    expect(taken.length).to.be.lessThan(total);
    expect(await count(`messages where status = 'sending'`)).to.equal(0);
    expect(await count(`delivery_attempts where outcome = 'accepted'`)).to.equal(taken.length);

    await startWorker();
    await until(async () => (await api.accepted()).length === total, 'the rest is sent', 20_000);
    await until(
      async () => (await count(`messages where status = 'delivered'`)) === total,
      'all is told',
      20_000,
    );
    expect((await api.accepted()).every(({ asked }) => asked === 1)).to.equal(true);
    expect(await count('delivery_attempts')).to.equal(total);
  });

  it('stopped while a provider does not answer settles what nobody knows, and exits with 0', async () => {
    await api.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'timeout', times: 1 }]);
    const { id } = (await api.request('POST', '/api/messages/sms', sms)).body;
    const worker = await startWorker({ PROVIDER_TIMEOUT_MS: '60000', STOP_TIMEOUT_MS: '4000' });
    await api.untilStatus(id, 'sending');
    expect(await worker.signal('SIGTERM')).to.equal(0);
    const { data } = (await api.request('GET', `/api/messages/${id}/attempts`)).body;
    expect(data[0]).to.include({ outcome: 'unknown', code: 'err_aborted' });
    expect((await api.request('GET', `/api/messages/${id}`)).body.status).to.equal('queued');
    await startWorker();
    await api.untilStatus(id, 'delivered');
    expect(await api.accepted()).to.have.length(1);
  });

  it('with nothing to do takes next to no CPU', async () => {
    const { child } = await startWorker();
    const cpuSeconds = () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    };
    // What its start left to be done is done.
    await sleep(1_000);
    const before = cpuSeconds();
    await sleep(4_000);
    expect(cpuSeconds() - before, 'seconds of CPU in 4 s').to.be.lessThan(0.2);
  });

  it('finds what is due at the same cost, however many were sent', async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        api.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + n}` }),
      ),
    );
    const cost = async () => {
      const values = [
        [false, false],
        ['text-co', ''],
        [false, true],
        [64, 64],
      ];
      const rows = await query<{ 'QUERY PLAN': string }>(
        api.databaseUrl,
        `explain (analyze, buffers, timing off, summary off) ${FIND_DUE.text}`,
        values,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      return { plan, pages: Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1]) };
    };
    await query(api.databaseUrl, 'analyze');
    const before = await cost();
    expect(before.pages).to.be.greaterThan(0);
    await query(
      api.databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
         status, provider, provider_message_id, delivery_key, expires_at, "timestamp")
       select 1, 1, 'outbound', 'sms', '', '{}', 'x', '{}', '{}', 'sent', 'text-co', 'old-' || n, gen_random_uuid(), now(), now()
       from generate_series(1, 20000) n`,
    );
    await query(api.databaseUrl, 'vacuum analyze');
    const after = await cost();
    expect(after.plan).to.match(/messages_due_idx/);
    expect(after.plan).not.to.match(/Seq Scan on messages/);
    // A page or two more for each message that is locked: those that were sent take up thousands.
    expect(after.pages, after.plan).to.be.at.most(before.pages + 2 * 60);
  });
});
