import { expect } from 'chai';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { Ledger } from '../../src/delivery/attempt/ledger.ts';
import { Worker, type WorkerOptions } from '../../src/delivery/worker.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, noLinks, startHarness } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { standardAccount } from '../support/provider-server.ts';
import { until } from '../support/until.ts';

describe('An attempt without a call to the provider', () => {
  let api: Harness;
  let database: Database;
  beforeEach(async () => {
    api = await startHarness({ ROLE: 'api' });
    database = openDatabase(api.databaseUrl, () => undefined);
  });
  afterEach(async () => {
    await database.close();
    await api.stop();
  });

  /** A worker with two accounts, of which the first makes at most four calls per second. */
  const createWorker = (options: Partial<WorkerOptions>): Worker => {
    const account = standardAccount(api.simulator.url);
    const accounts = [
      { ...account, perSecond: 4 },
      { ...account, name: 'spare-co' },
    ];
    return new Worker({
      pool: database.pool,
      providers: createRegistry(accounts, 2_000),
      events: createEvents(createLogger('silent')),
      ...{ concurrency: 8, marginMs: 60_000, timeoutMs: 2_000, patienceMs: 2_000 },
      webhookUrlOf: () => null,
      links: noLinks,
      normaliseAddress: (address) => address,
      stopScope: 'channel',
      hashAddress,
      ...options,
    });
  };
  const send = async (to: string) => (await api.request('POST', '/api/messages/sms', { ...sms, to })).body.id;
  const settled = (code: string) =>
    query(
      api.databaseUrl,
      `select deliveries.status, deliveries.provider from deliveries join delivery_attempts using (message_id) where code = $1`,
      [code],
    );

  it('does not fail over if the process was suspended before the call', async () => {
    await send('+18045550001');
    const worker = createWorker({ marginMs: -1 });
    await worker.runOnce();
    await worker.idle();
    await worker.stop();
    expect(await settled('worker_stalled')).to.deep.equal([{ status: 'queued', provider: null }]);
  });

  it('is made if the ledger cannot be read in time during a call', async () => {
    const message = { id: await send('+18045550001'), attempt_count: 1, may_have_been_sent: true };
    const ledger = new Ledger(database.pool, createEvents(createLogger('silent')));
    expect(await ledger.mayContinue(message)).to.equal(true);
    expect(await ledger.checkUnsent(message)).to.not.equal(null);
    const connection = await database.pool.connect();
    await connection.query('begin; lock table suppressions in access exclusive mode');
    const started = performance.now();
    expect(await Promise.all([ledger.mayContinue(message), ledger.checkUnsent(message)])).to.deep.equal([
      ...[false, null],
    ]);
    // Shorter than the least margin of a lease.
    expect(performance.now() - started).to.be.below(2_500);
    await connection.query('commit');
    connection.release();
  });

  /** Runs a worker with a changed account for a message that may have been sent. */
  const runUncertain = async (change: (provider: Provider) => Partial<Provider>) => {
    const id = await send('+18045550001');
    await query(
      api.databaseUrl,
      `update deliveries set may_have_been_sent = true, attempt_count = 1, provider = 'text-co' where message_id = $1`,
      [id],
    );
    const { sms: accounts } = createRegistry([standardAccount(api.simulator.url)], 2_000);
    const [provider] = accounts as [Provider];
    const log = keepLog();
    const worker = createWorker({
      providers: { sms: [{ ...provider, ...change(provider) }], email: [] },
      events: createEvents(log.logger),
    });
    expect(await worker.runOnce()).to.equal(1);
    return { log, worker };
  };
  const failures = (log: ReturnType<typeof keepLog>, what: string) =>
    log.lines.filter((line) => line.what === what);

  it('does not fail over and stays uncertain if an error of this service ends the look-up', async () => {
    const { log, worker } = await runUncertain(({ capabilities }) => ({
      capabilities: { ...capabilities, idempotencyKeys: false },
      lookUp: () => Promise.reject(new Error('A bug')),
    }));
    await worker.idle();
    await worker.stop();
    expect(await settled('internal_error')).to.deep.equal([{ status: 'queued', provider: 'text-co' }]);
    expect(await query(api.databaseUrl, 'select may_have_been_sent from deliveries')).to.deep.equal([
      { may_have_been_sent: true },
    ]);
    expect(failures(log, 'call')).to.have.length(1);
  });

  it('is repeated later if the times of the earlier calls cannot be read', async () => {
    await query(api.databaseUrl, 'alter table delivery_attempts rename column started_at to hidden');
    const { log, worker } = await runUncertain(({ capabilities }) => ({
      capabilities: { ...capabilities, idempotencyKeyHours: 24 },
    }));
    await until(() => failures(log, 'look_up').length > 0, 'the times cannot be read');
    await query(api.databaseUrl, 'alter table delivery_attempts rename column hidden to started_at');
    await worker.idle();
    await worker.stop();
    expect(await settled('may_have_been_sent')).to.deep.equal([{ status: 'queued', provider: 'text-co' }]);
    expect(await api.accepted()).to.deep.equal([]);
  });

  it('does not fail over if the worker is stopped before the call', async () => {
    await send('+18045550001');
    await send('+18045550002');
    const worker = createWorker({ patienceMs: 0 });
    // The rate limit delays the second call.
    expect(await worker.runOnce()).to.equal(2);
    await worker.stop();
    expect(await settled('worker_stopped')).to.deep.equal([{ status: 'queued', provider: null }]);
  });
});
