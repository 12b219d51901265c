import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { storedFunction } from '../../src/db/functions.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { environmentFor, type Harness, startHarness } from '../support/harness.ts';
import { freePort, type Running, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

const LIMITS = {
  ...{
    lease_ms: 0,
    large_lease_ms: 0,
    provider: 'text-co',
    free_slots: 60,
    retries: 60,
    first: null,
    newest_first: false,
  },
  ...{ per_second: null, per_second_per_sender: null },
};
const ROUTES = [
  { n: 1, channel: 'sms', assigned_to: 'text-co', reassignable: false, ...LIMITS },
  { n: 2, channel: 'sms', assigned_to: '', reassignable: true, ...LIMITS },
];

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

  it('that is stopped with a backlog loses and repeats no attempt, and exits with 0', async () => {
    const total = 200;
    await api.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 100 }]);
    await Promise.all(
      Array.from({ length: total }, (_, n) =>
        api.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + (n % 80)}` }),
      ),
    );
    const first = await startWorker();
    await until(async () => (await api.accepted()).length > 40, 'the drain has begun');
    expect(await first.signal('SIGTERM')).to.equal(0);
    const accepted = await api.accepted();
    expect(accepted.length).to.be.lessThan(total);
    expect(await count(`deliveries where status = 'sending'`)).to.equal(0);
    expect(await count(`delivery_attempts where outcome = 'accepted'`)).to.equal(accepted.length);

    await startWorker();
    await until(async () => (await api.accepted()).length === total, 'the rest is sent');
    await until(
      async () => (await count(`deliveries where status = 'delivered'`)) === total,
      'every message is delivered',
    );
    expect((await api.accepted()).every(({ request_count }) => request_count === 1)).to.equal(true);
    expect(await count('delivery_attempts')).to.equal(total);
  });

  it('that is stopped claims nothing more and exits with 0, even with idle connections', async () => {
    await api.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 100 }]);
    await sendEach(300);
    const worker = await startWorker({ STOP_TIMEOUT_MS: '4000' });
    const { port } = new URL(worker.url);
    const silent = connect(Number(port), '127.0.0.1');
    const incomplete = connect(Number(port), '127.0.0.1').on('error', () => undefined);
    await Promise.all([once(silent, 'connect'), once(incomplete, 'connect')]);
    incomplete.write('POST /api/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n');
    await until(async () => (await api.accepted()).length > 20, 'the drain has begun');
    const ended = worker.signal('SIGTERM');
    await until(
      () =>
        fetch(`${worker.url}/healthz`).then(
          () => false,
          () => true,
        ),
      'no new connection is accepted',
    );
    const accepted = (await api.accepted()).length;
    expect(await ended).to.equal(0);
    // Only the calls in progress.
    expect((await api.accepted()).length).to.be.at.most(accepted + 64);
    expect(await count(`deliveries where status = 'sending'`)).to.equal(0);
  });

  it('that is stopped while a provider hangs settles the calls as unknown, and exits with 0', async () => {
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

  it('uses almost no CPU while no message is due', async () => {
    const { child } = await startWorker();
    const cpuSeconds = () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    };
    // Excludes the CPU time of the start.
    await sleep(1_000);
    const before = cpuSeconds();
    await sleep(4_000);
    expect(cpuSeconds() - before, 'seconds of CPU in 4 s').to.be.lessThan(0.2);
  });

  it('claims due messages at a cost that does not depend on the number of sent messages', async () => {
    await sendEach(60);
    const claim = async () => {
      const { plan, pages } = await cost(`select * from ${storedFunction('claim_deliveries')}($1, 60, 60)`, [
        JSON.stringify(ROUTES),
      ]);
      expect(plan).to.match(/rows=60/);
      await query(
        api.databaseUrl,
        `update deliveries set status = 'queued', next_attempt_at = created_at where pending`,
      );
      await query(api.databaseUrl, 'vacuum analyze');
      return pages;
    };
    await store(5_000, 'sent');
    await claim();
    const before = await claim();
    expect(before).to.be.greaterThan(0);
    await store(40_000, 'sent');
    // The cost of 60 claims and of deeper indexes varies. A scan of the sent messages would read 1,300 pages.
    expect(await claim()).to.be.at.most(before + 500);
  });

  it('claims new messages, and retries after them, at a cost that does not depend on how many retries are due', async () => {
    await sendEach(4);
    const claimed = async (change: object) => {
      const routes = JSON.stringify(ROUTES.map((route) => ({ ...route, ...change })));
      const { plan, pages } = await cost(`select * from ${storedFunction('claim_deliveries')}($1, 4, 4)`, [
        routes,
      ]);
      return { rows: Number(/rows=(\d+)/.exec(plan.split('actual')[1] ?? '')?.[1]), pages };
    };
    const again = () =>
      query(
        api.databaseUrl,
        `update deliveries set status = 'queued', attempt_count = 0, next_attempt_at = created_at where attempt_count < 2`,
      );
    const probe = { free_slots: 1, retries: 1, first: 'new' };
    await claimed(probe);
    await again();
    const before = await claimed(probe);
    expect(before.rows).to.equal(1);
    await store(20_000, 'queued');
    await query(
      api.databaseUrl,
      `update deliveries set attempt_count = 2, next_attempt_at = now() - interval '1 hour',
         expires_at = now() + interval '1 hour'
       where next_attempt_at is null`,
    );
    await again();
    await query(api.databaseUrl, 'vacuum analyze');
    const after = await claimed(probe);
    expect(after.rows).to.equal(1);
    // Includes pages of the system catalogs and of deeper indexes. A scan of the queue would read hundreds more.
    expect(after.pages).to.be.at.most(before.pages + 200);
    const [claimedByKind] = await query<{ new: number; retries: number }>(
      api.databaseUrl,
      `select count(*) filter (where attempt_count = 1)::int as new, count(*) filter (where attempt_count = 3)::int as retries
       from deliveries`,
    );
    expect(claimedByKind).to.deep.equal({ new: 1, retries: 0 });
    await again();
    expect((await claimed({ free_slots: 4, retries: 1, first: null })).rows).to.equal(4);
    const [mixed] = await query<{ new: number; retries: number }>(
      api.databaseUrl,
      `select count(*) filter (where attempt_count = 1)::int as new, count(*) filter (where attempt_count = 3)::int as retries
       from deliveries`,
    );
    expect(mixed).to.deep.equal({ new: 3, retries: 1 });
  });

  it('claims a message after any number of messages whose sender has no free rate limit slot', async () => {
    await sendEach(40);
    const free = (await api.request('POST', '/api/messages/sms', { ...sms, from: '+12016660002' })).body.id;
    // The reserved times passed while the provider was unavailable; the next free time of the sender is in an hour.
    await query(
      api.databaseUrl,
      `update deliveries set sender_slot_at = now() - interval '1 hour', next_attempt_at = created_at`,
    );
    await query(api.databaseUrl, `insert into rate_limit_slots values ($1, now() + interval '1 hour')`, [
      `text-co ${sms.from}`,
    ]);
    const routes = ROUTES.map((route) => ({ ...route, free_slots: 1, per_second_per_sender: 1 }));
    const claimed = await query(
      api.databaseUrl,
      `select id from ${storedFunction('claim_deliveries')}($1, 1, 1)`,
      [JSON.stringify(routes)],
    );
    expect(claimed).to.deep.equal([{ id: free }]);
  });

  it('settles at a cost that does not depend on the number of queued messages', async () => {
    await sendEach(2);
    const settle = async (number: number) => {
      await query(api.databaseUrl, `update deliveries set status = 'sending', attempt_count = $1`, [number]);
      const rows = await query<{ id: number; conversation_id: number }>(
        api.databaseUrl,
        'select message_id as id, conversation_id from deliveries order by message_id limit 2',
      );
      const settled = rows.map((row) => ({
        ...{
          ...row,
          number,
          provider: 'text-co',
          next_provider: 'text-co',
          status: 'sent',
          outcome: 'accepted',
        },
        ...{ started_at: new Date(), duration_ms: 1, retries: 1, may_have_been_sent: false, pause_ms: 0 },
        provider_message_id: `settled-${row.id}-${number}`,
      }));
      return cost(`select ${storedFunction('settle_deliveries')}($1)`, [JSON.stringify(settled)]);
    };
    const before = await settle(1);
    expect(before.pages).to.be.greaterThan(0);
    // In another conversation, so that no next delivery is searched among these messages.
    await store(20_000, 'queued');
    const after = await settle(2);
    const sent = await query(api.databaseUrl, `select from deliveries where status = 'sent'`);
    expect(sent).to.have.length(2);
    // Includes pages of the system catalogs and of deeper indexes. A scan of the queue would read hundreds more.
    expect(after.pages, after.plan).to.be.at.most(before.pages + 200);
  });

  async function sendEach(count: number): Promise<void> {
    const send = (n: number) =>
      api.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + n}` });
    await Promise.all(Array.from({ length: count }, (_, n) => send(n)));
    await query(api.databaseUrl, 'analyze');
  }

  /** Stores messages in one new conversation. */
  async function store(count: number, status: string): Promise<void> {
    await query(
      api.databaseUrl,
      `with conversation as (insert into conversations (channel, participant_ids) values ('sms', array[(select count(*) from conversations)]) returning id),
       stored as (
         insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
         select id, 1, 'outbound', 'sms', '', '{}', 'x', '{}', '{}', now() from conversation, generate_series(1, $1::int)
         returning id, conversation_id)
       insert into deliveries (message_id, conversation_id, channel, status, provider, delivery_key, expires_at, recipient_hashes)
       select id, conversation_id, 'sms', $2, 'text-co', gen_random_uuid(), now(), '{}' from stored`,
      [count, status],
    );
    await query(api.databaseUrl, 'vacuum analyze');
  }

  async function cost(statement: string, values: unknown[]): Promise<{ plan: string; pages: number }> {
    const rows = await query<{ 'QUERY PLAN': string }>(
      api.databaseUrl,
      `explain (analyze, buffers, timing off, summary off) ${statement}`,
      values,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    return { plan, pages: Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1]) };
  }
});
