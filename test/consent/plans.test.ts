import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { FIND_UNHASHED } from '../../src/delivery/maintenance/recipient-hashes.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';

const ENTRIES = 100_000;
const RECIPIENTS = 40;
/** Messages that are sent already; a scan of them reads many more pages than the test allows. */
const SENT = 30_000;
/** The pages of an index of this size from its root to a row, and the page of the row. */
const PAGES_PER_RECIPIENT = 5;
/** Pages of the system catalogs, which a plan reads that is made again. */
const CATALOG_PAGES = 200;

/** The statements are prepared while the ledger is empty, as those of a service that has run for a long time. */
describe('The cost of a check of the ledger', function () {
  this.timeout(120_000);
  let api: Harness;
  let client: pg.Client;
  let ids: number[];
  const addresses = Array.from({ length: RECIPIENTS }, (_, n) => `+1804555${2_000 + n}`);
  before(async () => {
    api = await startHarness({ ROLE: 'api' });
    client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
    const sent = await Promise.all(
      addresses.map((to) => api.request('POST', '/api/messages/sms', { ...sms, to })),
    );
    ids = sent.map(({ body }) => body.id);
  });
  after(async () => {
    await client.end();
    await api.stop();
  });

  /** The pages that a statement reads. */
  async function pages(statement: string, values: unknown[]): Promise<number> {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, timing off, summary off, format json) ${statement}`,
      values,
    );
    const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
    return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  }
  const accept = () =>
    pages(`select * from ${storedFunction('find_suppressions')}($1, $2, $3)`, [
      addresses.map((address) => Buffer.from(hashAddress(address), 'hex')),
      addresses.map(() => sms.from),
      addresses.map(() => 'conversational'),
    ]);
  const claim = () =>
    pages(`select * from ${storedFunction('leave_out_suppressed')}($1, $2, false)`, [ids, ids.map(() => 1)]);
  const measure = async () => ({ accept: await accept(), claim: await claim() });

  it('is a bounded number of pages, however many entries the ledger has', async () => {
    // After five executions, PostgreSQL may keep a plan.
    for (let n = 0; n < 6; n++) await measure();
    const empty = await measure();
    await query(
      api.databaseUrl,
      `insert into suppressions (address_hash, address, channel, scope, reasons)
       select sha256(n::text::bytea), n::text, 'sms', 'channel', '{stop_keyword}' from generate_series(1, ${ENTRIES}) as n`,
    );
    const full = [await measure()];
    await query(api.databaseUrl, 'vacuum analyze');
    full.push(await measure(), await measure());
    for (const kind of ['accept', 'claim'] as const)
      for (const measured of full)
        expect(measured[kind], kind).to.be.at.most(
          empty[kind] + RECIPIENTS * PAGES_PER_RECIPIENT + CATALOG_PAGES,
        );
  });

  it('does not include a search of all messages for those of the previous version', async () => {
    await query(
      api.databaseUrl,
      `with stored as (
         insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
         select 1, 1, 'outbound', 'sms', '', '{}', 'x', '{}', '{}', now() from generate_series(1, ${SENT}) returning id)
       insert into deliveries (message_id, conversation_id, channel, status, delivery_key, expires_at)
       select id, 1, 'sms', 'sent', gen_random_uuid(), now() from stored`,
    );
    await query(api.databaseUrl, 'update deliveries set recipient_hashes = null where message_id = $1', [
      ids[0],
    ]);
    await client.query('set enable_seqscan = off');
    for (const analyze of ['select', 'vacuum analyze']) {
      await query(api.databaseUrl, analyze);
      expect(await pages(FIND_UNHASHED.text, []), analyze).to.be.at.most(CATALOG_PAGES);
    }
  });
});
