import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import { createMigratedDatabase } from '../../support/database.ts';

const LEASE_MS = 30_000;
const MAX_ATTEMPTS = 10;

describe('The claim of deliveries to endpoints', () => {
  let client: pg.Client;
  beforeEach(async () => {
    client = new pg.Client({ connectionString: await createMigratedDatabase() });
    await client.connect();
  });
  afterEach(() => client.end());

  /** @param columns expressions in SQL. */
  const addEndpoint = async (columns: Record<string, string> = {}): Promise<number> => {
    const values = { url: `'https://receiver.invalid'`, secret: `'secret'`, position: '0', ...columns };
    const { rows } = await client.query(
      `insert into endpoints (${Object.keys(values)}) values (${Object.values(values)}) returning id`,
    );
    return rows[0].id;
  };
  const addDeliveries = (endpoint: number, count: number) =>
    client.query(
      `insert into endpoint_deliveries (endpoint_id, event_id, next_attempt_at)
       select $1, n, now() - interval '1 minute' from generate_series(1, $2) as n`,
      [endpoint, count],
    );
  const claim = async (
    wanted: number,
    perEndpoint = 5,
    limits: [id: number, limit: number][] = [],
    failing = 12,
  ) =>
    (
      await client.query(
        `select * from ${storedFunction('claim_endpoint_deliveries')}($1, $2, $3, $4, $5, $6, $7)`,
        [
          ...[
            wanted,
            perEndpoint,
            limits.map(([id]) => id),
            limits.map(([, limit]) => limit),
            failing,
            MAX_ATTEMPTS,
            LEASE_MS,
          ],
        ],
      )
    ).rows;
  const counts = (rows: { endpoint_id: number }[]) =>
    Object.fromEntries(
      [...Map.groupBy(rows, (row) => row.endpoint_id)].map(([id, { length }]) => [id, length]),
    );
  const attempts = async () =>
    (await client.query('select number, error_code, started_at from endpoint_attempts order by number')).rows;
  const lose = (attemptCount: number) =>
    client.query(
      `update endpoint_deliveries set attempt_count = $1, lease = gen_random_uuid(), next_attempt_at = now()`,
      [attemptCount],
    );

  it('takes deliveries of every endpoint, the oldest first, up to the limit of each', async () => {
    const [first, second, third] = [await addEndpoint(), await addEndpoint(), await addEndpoint()];
    for (const id of [first, second, third]) await addDeliveries(id, 10);
    const claimed = await claim(6);
    expect(counts(claimed)).to.deep.equal({ [first]: 2, [second]: 2, [third]: 2 });
    expect(claimed.map(({ event_id }) => event_id)).to.deep.equal([1, 1, 1, 2, 2, 2]);
    const limits: [number, number][] = [
      [first, 0],
      [second, 1],
    ];
    expect(counts(await claim(100, 5, limits))).to.deep.equal({ [second]: 1, [third]: 5 });
  });

  it('takes failing endpoints last, and only as many of those without a limit as wanted', async () => {
    const failing = [];
    for (let n = 0; n < 4; n++) failing.push(await addEndpoint({ failing_since: 'now()' }));
    const good = await addEndpoint();
    for (const id of [...failing, good]) await addDeliveries(id, 2);
    expect(counts(await claim(1, 1))).to.deep.equal({ [good]: 1 });
    const claimed = await claim(100, 1, [[failing[0] as number, 1]], 2);
    expect(claimed.map(({ is_failing }) => is_failing)).to.have.members([true, true, true, false]);
    expect(counts(claimed)).to.include({ [failing[0] as number]: 1, [good]: 1 });
    expect(counts(await claim(100, 1, [], 0))).to.deep.equal({});
  });

  it('takes nothing of an endpoint that is disabled or paused, nor a delivery of a current claim', async () => {
    await addDeliveries(
      await addEndpoint({ enabled: 'false', disabled_reason: `'request'`, disabled_at: 'now()' }),
      1,
    );
    await addDeliveries(await addEndpoint({ paused_until: `now() + interval '1 minute'` }), 1);
    const id = await addEndpoint({ paused_until: `now() - interval '1 minute'` });
    await addDeliveries(id, 1);
    expect(counts(await claim(100))).to.deep.equal({ [id]: 1 });
    expect(await claim(100)).to.deep.equal([]);
  });

  it('returns the previous secret only until its time has ended', async () => {
    for (const time of [`now() + interval '1 minute'`, 'now()'])
      await addDeliveries(
        await addEndpoint({ previous_secret: `'previous'`, previous_secret_expires_at: time }),
        1,
      );
    expect((await claim(100)).map((row) => [row.secret, row.previous_secret])).to.deep.equal([
      ['secret', 'previous'],
      ['secret', null],
    ]);
  });

  it('records a lost attempt, and repeats it', async () => {
    await addDeliveries(await addEndpoint(), 1);
    await lose(3);
    const [claimed] = await claim(100);
    expect(claimed).to.include({ number: 4, attempt: 4 });
    expect(await attempts()).to.have.length(1);
    expect((await attempts())[0]).to.include({ number: 3, error_code: 'worker_lost' });
  });

  it('fails a delivery whose last attempt was lost', async () => {
    await addDeliveries(await addEndpoint(), 1);
    await lose(MAX_ATTEMPTS);
    expect(await claim(100)).to.deep.equal([]);
    const { rows } = await client.query('select status, lease, next_attempt_at from endpoint_deliveries');
    expect(rows).to.deep.equal([{ status: 'failed', lease: null, next_attempt_at: null }]);
    expect((await attempts()).map(({ number }) => number)).to.deep.equal([MAX_ATTEMPTS]);
  });

  it('can follow at once if all leases are ended, because no worker runs', async () => {
    await addDeliveries(await addEndpoint(), 2);
    expect(await claim(100)).to.have.length(2);
    await client.query(`select ${storedFunction('end_endpoint_leases')}($1)`, [LEASE_MS]);
    expect((await attempts()).map(({ error_code }) => error_code)).to.deep.equal([
      'worker_lost',
      'worker_lost',
    ]);
    expect((await claim(100)).map(({ number }) => number)).to.deep.equal([2, 2]);
    expect(await attempts()).to.have.length(2);
  });
});
