import { expect } from 'chai';
import fc from 'fast-check';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { chooseClaims, type ModelRoute, type ModelRow } from './claim-model.ts';

const ROWS = 24;
const PROVIDERS = ['p1', 'p2', 'p3'];

describe('claim_deliveries', function () {
  this.timeout(120_000);
  let service: Harness;
  let client: pg.Client;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    await client.query(`
      -- An autovacuum between the tests would leave the statistics of an empty table.
      alter table deliveries set (autovacuum_enabled = false);
      insert into participants (address, address_type) select '+' || n, 'phone' from generate_series(1, 2) as n;
      insert into conversations (channel, participant_ids) values ('sms', '{1,2}');
      insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
      select 1, 1, 'outbound', 'sms', '+1', '{+2}', 'x', '{}', '{}', now() from generate_series(1, ${ROWS})`);
  });
  after(async () => {
    await client.end();
    await service.stop();
  });

  const row = fc.record({
    provider: fc.constantFrom('', ...PROVIDERS),
    accounts: fc.option(fc.subarray(PROVIDERS, { minLength: 1 })),
    attempt_count: fc.constantFrom(0, 1),
    may_have_been_sent: fc.boolean(),
    isHashed: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
    // Seconds from now.
    due: fc.integer({ min: -600, max: 60 }).filter((due) => due !== 0),
  });
  const freeSlots = fc.record({
    calls: fc.integer({ min: 0, max: 6 }),
    retries: fc.integer({ min: 0, max: 6 }),
  });
  const provider = fc.record({
    freeSlots,
    order: fc.record({
      first: fc.constantFrom('new' as const, 'retry' as const, null),
      newestFirst: fc.boolean(),
    }),
  });
  const route = fc.record({
    provider: fc.constantFrom(...PROVIDERS),
    assignedTo: fc.constantFrom('', ...PROVIDERS),
    reassignable: fc.boolean(),
    preferred: fc.subarray(PROVIDERS),
  });

  /** Calls the function, rolls back, and returns the claims. */
  const claims = async (
    rows: ModelRow[],
    routes: ModelRoute[],
    wanted: { calls: number; retries: number },
  ) => {
    await client.query('begin');
    await client.query(
      `insert into deliveries (message_id, conversation_id, channel, status, provider, accounts, delivery_key, expires_at,
         next_attempt_at, attempt_count, may_have_been_sent, recipient_hashes)
       select id, 1, 'sms', status, nullif(provider, ''), accounts, gen_random_uuid(), now() + interval '1 day',
         now() + "dueAt" * interval '1 second', attempt_count, may_have_been_sent,
         case when "isHashed" then '{}'::bytea[] end
       from json_to_recordset($1) as row(
         id bigint, status text, provider text, accounts text[], "dueAt" int, attempt_count int, may_have_been_sent boolean,
         "isHashed" boolean)`,
      [JSON.stringify(rows)],
    );
    const json = routes.map(({ assignedTo, newestFirst, calls, ...rest }, n) => ({
      ...rest,
      ...{ n, channel: 'sms', assigned_to: assignedTo, newest_first: newestFirst, free_slots: calls },
      lease_ms: 1_000,
      large_lease_ms: 1_000,
    }));
    const { rows: claimed } = await client.query<{ id: string; route: number }>(
      `select id, route from ${storedFunction('claim_deliveries')}($1, $2, $3)`,
      [JSON.stringify(json), wanted.calls, wanted.retries],
    );
    await client.query('rollback');
    return claimed.map(({ id, route }) => ({ id: Number(id), route }));
  };

  it('claims the same messages as its model, in the same order and for the same routes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(row, { selector: ({ due }) => due, maxLength: ROWS }),
        fc.tuple(provider, provider, provider),
        fc.uniqueArray(route, {
          selector: (one) => one.provider + one.assignedTo,
          minLength: 1,
          maxLength: 6,
        }),
        freeSlots,
        async (rows, providers, routes, wanted) => {
          const modelRows = rows.map(({ due, ...rest }, n) => ({
            ...rest,
            id: n + 1,
            status: 'queued',
            dueAt: due,
          }));
          const modelRoutes = routes.map((one) => {
            const { freeSlots, order } = providers[PROVIDERS.indexOf(one.provider)] as (typeof providers)[0];
            return { ...one, ...freeSlots, ...order };
          });
          const chosen = chooseClaims(modelRows, modelRoutes, wanted, 0);
          expect(await claims(modelRows, modelRoutes, wanted)).to.deep.equal(
            chosen.map(({ row, n }) => ({ id: row.id, route: n })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('does not read the messages of an unavailable account that the account of the claim cannot send', async () => {
    const backlog = 5_000;
    const takeover = { n: 1, channel: 'sms', assigned_to: 'p1', reassignable: true, preferred: [] };
    const slots = {
      lease_ms: 1_000,
      large_lease_ms: 1_000,
      provider: 'p2',
      free_slots: 10,
      retries: 10,
      first: null,
    };
    for (const [analyzed, newest_first] of [
      [false, false],
      [true, false],
      [true, true],
    ] as const) {
      // The first claims of a connection have other plans than later claims.
      await client.end();
      client = new pg.Client({ connectionString: service.databaseUrl });
      await client.connect();
      await client.query('begin');
      await client.query(
        `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
         select 1, 1, 'outbound', 'sms', '+1', '{+2}', 'x', '{}', '{}', now() from generate_series(1, $1::int)`,
        [backlog],
      );
      await client.query(
        `insert into deliveries (message_id, conversation_id, channel, status, provider, accounts, delivery_key, expires_at,
           next_attempt_at, recipient_hashes)
         select id, 1, 'sms', 'queued', 'p1', case when id % 1000 = 0 then '{p1,p2}'::text[] when id % 3 = 0 then '{p1}' else '{p1,p3}' end,
           gen_random_uuid(), now() + interval '1 day', now() - id * interval '1 millisecond', '{}' from messages`,
      );
      if (analyzed) await client.query('analyze deliveries');
      const read = async () =>
        (
          await client.query<{ rows: number }>(
            `select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows
             from pg_stat_xact_user_tables where relname = 'deliveries'`,
          )
        ).rows[0]?.rows ?? 0;
      const before = await read();
      const { rows } = await client.query(
        `select id from ${storedFunction('claim_deliveries')}($1, 10, 10)`,
        [JSON.stringify([{ ...takeover, ...slots, newest_first }])],
      );
      expect(rows, 'the messages that the other account can send').to.have.length(5);
      expect((await read()) - before, 'rows of the queue').to.be.at.most(100);
      await client.query('rollback');
    }
  });

  it('claims at most 32 MiB of text together, and a larger message alone', async () => {
    const megabytes = async (...sizes: number[]) => {
      await client.query('begin');
      for (const [n, size] of sizes.entries())
        await client.query('update messages set body = repeat($1, $2) where id = $3', [
          'x',
          size * 1_048_576,
          n + 1,
        ]);
      await client.query('commit');
    };
    const due = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        ...{ id: n + 1, status: 'queued', provider: 'p1', accounts: null },
        ...{ attempt_count: 0, may_have_been_sent: false, isHashed: true },
        dueAt: n - 600,
      })) as ModelRow[];
    const routes = [
      {
        provider: 'p1',
        assignedTo: 'p1',
        reassignable: false,
        preferred: [],
        first: null,
        newestFirst: false,
        calls: 6,
        retries: 6,
      },
    ] as ModelRoute[];
    const claimed = async (count: number) =>
      (await claims(due(count), routes, { calls: 6, retries: 6 })).map(({ id }) => id);
    await megabytes(10, 10, 10, 10, 1);
    expect(await claimed(5)).to.deep.equal([1, 2, 3]);
    await megabytes(40, 1, 1);
    expect(await claimed(3)).to.deep.equal([1]);
    await megabytes(1, 1, 1, 1, 1);
    expect(await claimed(5)).to.deep.equal([1, 2, 3, 4, 5]);
  });
});
