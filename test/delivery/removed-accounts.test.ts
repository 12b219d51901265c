import { expect } from 'chai';
import pg from 'pg';
import { reassignFromRemoved } from '../../src/delivery/maintenance/removed-accounts.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';

describe('Messages of an account that is not configured', () => {
  let api: Harness;
  let pool: pg.Pool;
  beforeEach(async () => {
    api = await startHarness({ ROLE: 'api' });
    pool = new pg.Pool({ connectionString: api.databaseUrl });
  });
  afterEach(async () => {
    await pool.end();
    await api.stop();
  });

  /** Assigns all messages to the account. The odd half is claimed, and the other half is queued. */
  const assign = (provider: string, minutesDue: number) =>
    query(
      api.databaseUrl,
      `update deliveries set provider = $1, attempt_count = message_id % 2, next_attempt_at = now() - $2 * interval '1 minute',
         status = case message_id % 2 when 1 then 'sending' else 'queued' end`,
      [provider, minutesDue],
    );
  const reassign = () =>
    reassignFromRemoved(pool, ['text-co', 'mail-co'], createEvents(createLogger('silent')));
  const sendTo = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        api.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + n}` }),
      ),
    );

  it('stay with the account until 10 minutes after they were due, because a newer deployment may have the account', async () => {
    await sendTo(2);
    await assign('new-co', 9);
    expect(await reassign()).to.equal(0);
    await assign('new-co', 11);
    expect(await reassign()).to.equal(2);
    const rows = await query(api.databaseUrl, 'select status, provider from deliveries order by message_id');
    expect(rows).to.deep.equal([
      { status: 'unknown', provider: 'new-co' },
      { status: 'queued', provider: null },
    ]);
  });

  it('are reassigned in batches, behind the messages of configured accounts', async () => {
    await sendTo(1_002);
    await assign('text-co', 11);
    expect(await reassign()).to.equal(0);
    await query(api.databaseUrl, `update deliveries set provider = 'removed-co' where message_id <= 1001`);
    expect([await reassign(), await reassign(), await reassign(), await reassign()]).to.deep.equal([
      500, 500, 1, 0,
    ]);
    const rest = await query(
      api.databaseUrl,
      `select message_id::int as id from deliveries where provider = 'text-co'`,
    );
    expect(rest).to.deep.equal([{ id: 1_002 }]);
  });
});
