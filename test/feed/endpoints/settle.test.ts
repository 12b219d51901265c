import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import { createMigratedDatabase } from '../../support/database.ts';

const URL_OF_ENDPOINT = 'https://receiver.invalid';
const LEASE_MS = 30_000;

interface Claimed {
  endpoint_id: string;
  event_id: string;
  lease: string;
  number: number;
}

describe('The settling of attempts', () => {
  let client: pg.Client;
  beforeEach(async () => {
    client = new pg.Client({ connectionString: await createMigratedDatabase() });
    await client.connect();
    await client.query(`insert into endpoints (url, secret, position) values ($1, 'secret', 0)`, [
      URL_OF_ENDPOINT,
    ]);
    await client.query('insert into endpoint_deliveries (endpoint_id, event_id) values (1, 1)');
  });
  afterEach(() => client.end());

  const claim = async (): Promise<Claimed> => {
    const { rows } = await client.query(
      `select * from ${storedFunction('claim_endpoint_deliveries')}(1, 1, '{}', '{}', 0, 10, $1)`,
      [LEASE_MS],
    );
    return rows[0];
  };
  const settle = ({ endpoint_id, event_id, lease, number }: Claimed, result: object) =>
    client.query(`select * from ${storedFunction('settle_endpoint_attempts')}($1)`, [
      JSON.stringify([
        {
          ...{ endpoint_id, event_id, lease, number, url: URL_OF_ENDPOINT, started_at: new Date() },
          ...{ duration_ms: 5, retry_ms: null, pause_ms: null, is_gone: false, ...result },
        },
      ]),
    ]);
  const succeeded = { outcome: 'succeeded', status_code: 200 };
  const failed = {
    outcome: 'failed',
    status_code: 500,
    error_code: 'status',
    detail: 'Status 500.',
    retry_ms: 60_000,
  };
  const delivery = async () =>
    (await client.query('select status, lease, attempt_count from endpoint_deliveries')).rows[0];
  const attempts = async () =>
    (await client.query('select number, outcome, error_code from endpoint_attempts order by number')).rows;

  for (const [title, late] of Object.entries({ success: succeeded, failure: failed }))
    it(`ignores a late ${title} of a worker whose lease has ended, and takes the result of the present one`, async () => {
      const first = await claim();
      await client.query(`update endpoint_deliveries set next_attempt_at = now() - interval '1 second'`);
      const second = await claim();
      const lost = { number: 1, outcome: 'failed', error_code: 'worker_lost' };
      await settle(first, late);
      expect(await delivery()).to.deep.equal({ status: 'pending', lease: second.lease, attempt_count: 2 });
      expect(await attempts()).to.deep.equal([lost]);
      await settle(second, succeeded);
      expect(await delivery()).to.deep.equal({ status: 'delivered', lease: null, attempt_count: 2 });
      expect(await attempts()).to.deep.equal([lost, { number: 2, outcome: 'succeeded', error_code: null }]);
    });

  it('is done once if a result is settled twice, as after a lost connection', async () => {
    const claimed = await claim();
    await settle(claimed, failed);
    await settle(claimed, failed);
    expect(await attempts()).to.deep.equal([{ number: 1, outcome: 'failed', error_code: 'status' }]);
    expect(await delivery()).to.include({ status: 'pending', lease: null });
  });
});
