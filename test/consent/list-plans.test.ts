import { expect } from 'chai';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';

const ENTRIES = 60_000;
/** Of about 1,500 pages of the table. */
const MAX_PAGES = 400;

interface Query {
  sql: string;
  bindings: unknown[];
}

describe('The lists of the ledger', function () {
  this.timeout(120_000);
  let service: Harness;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    await query(
      service.databaseUrl,
      `insert into suppressions (address_hash, address, channel, scope, reasons)
       select sha256(n::text::bytea), n::text, 'sms', 'channel', '{stop_keyword}' from generate_series(1, ${ENTRIES}) as n`,
    );
    await query(
      service.databaseUrl,
      `insert into suppression_changes (suppression_id, address_hash, address, channel, scope, change, reason, reasons)
       select id, address_hash, address, channel, scope, 'added', 'stop_keyword', reasons from suppressions`,
    );
    await query(
      service.databaseUrl,
      `update suppressions set address_hash = decode('${hashAddress('+18045551234')}', 'hex') where id = 30000`,
    );
    await query(service.databaseUrl, 'vacuum analyze suppressions, suppression_changes');
  });
  after(() => service.stop());

  const pagesOf = async ({ sql, bindings }: Query): Promise<number> => {
    const { rows } = await service.service.database.knex.raw(
      `explain (analyze, buffers, timing off, format json) ${sql.replace(/\$\d+/g, '?')}`,
      bindings as never,
    );
    const { Plan: plan } = rows[0]['QUERY PLAN'][0];
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  };

  for (const [path, count] of [
    ['/api/suppressions', 50],
    ['/api/suppressions?channel=sms', 50],
    ['/api/suppressions?channel=email', 0],
    ['/api/suppressions?scope=all', 0],
    ['/api/suppressions?reason=unsubscribe', 0],
    ['/api/suppressions?reason=stop_keyword&scope=channel', 50],
    ['/api/suppressions?sender=12016661234', 0],
    ['/api/suppressions?address=18045551234', 1],
    ['/api/suppressions/18045551234/history', 0],
  ] as const)
    it(`read a bounded number of pages: ${path}`, async () => {
      const queries: Query[] = [];
      const { knex } = service.service.database;
      const keep = (made: Query) => void queries.push(made);
      knex.on('query', keep);
      const { body } = await service.request('GET', path);
      knex.off('query', keep);
      expect(body.data).to.have.length(count);
      const read = queries.filter(({ sql }) => sql.includes('suppression'));
      expect(read).not.to.deep.equal([]);
      for (const each of read) expect(await pagesOf(each), each.sql).to.be.below(MAX_PAGES);
    });
});
