import { expect } from 'chai';
import pg from 'pg';
import { createLogger } from '../../src/observability/logger.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { suppress } from '../support/suppressions.ts';
import { until } from '../support/until.ts';
import { isAlive, untilRestarted, workerOf } from '../support/worker-process.ts';

describe('A worker process that is killed between the claim and the check of the ledger', () => {
  let service: Harness;
  let lock: pg.Client;
  before(async () => {
    service = await startHarness({ LOG_LEVEL: 'silent' }, createLogger('silent'), true);
    lock = new pg.Client({ connectionString: service.databaseUrl });
    await lock.connect();
  });
  after(async () => {
    await lock.end();
    await service.stop();
  });

  it('passes nothing to the provider, and its successor finds the request to stop', async () => {
    const worker = await until(() => workerOf(process.pid), 'the worker process runs');
    const { body } = await service.request('POST', '/api/messages/sms', {
      ...{ ...sms, send_at: new Date(Date.now() + 3_600_000).toISOString() },
    });
    // The check waits for this lock.
    await lock.query('begin; lock table suppressions in access exclusive mode');
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now()');
    await until(async () => {
      const waiting = await query(
        service.databaseUrl,
        `select from pg_locks where relation = 'suppressions'::regclass and not granted`,
      );
      return waiting.length > 0;
    }, 'the worker checks the claimed message');
    process.kill(worker, 'SIGKILL');
    await until(() => !isAlive(worker), 'the worker process has ended');
    await lock.query('rollback');
    await suppress(service.databaseUrl, sms.to);
    await untilRestarted(process.pid, worker);
    // The end of the lease.
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now()');
    const { error } = await service.untilStatus(body.id, 'failed');
    expect(error?.code).to.equal('recipient_suppressed');
    expect(await service.accepted()).to.deep.equal([]);
    const attempts = await service.request('GET', `/api/messages/${body.id}/attempts`);
    expect(attempts.body.data.map(({ code }: { code: string }) => code)).to.deep.equal([
      'worker_lost',
      'recipient_suppressed',
    ]);
  });
});
