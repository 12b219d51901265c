import { expect } from 'chai';
import pg from 'pg';
import { FUNCTION_SCHEMA } from '../../src/db/functions.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { deliverMime, mimeEnvironment } from '../support/mime.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

const LIMIT = 10_000;

describe('The webhook inbox of an account with as many webhooks as possible', () => {
  const log = keepLog('info');
  let service: Harness;
  const sql = <T extends object>(text: string, values: unknown[] = []) =>
    query<T>(service.databaseUrl, text, values);
  const fill = (account: string, state: string, count: number) =>
    sql(
      `insert into webhook_inbox (account, state, target, headers, body, digest, received_at)
       select $1, $2, '/', '{}', '', sha256(($2 || n)::bytea), now() - interval '1 hour' from generate_series(1, $3) as n`,
      [account, state, count],
    );
  const metric = async (name: string, labels: string) => {
    const text: string = (await service.request('GET', '/metrics')).body;
    const line = text.split('\n').find((each) => each.startsWith(`${name}{${labels}}`));
    return Number(line?.split(' ').at(-1));
  };

  before(async () => {
    service = await startHarness(
      { TEXT_CO_WEBHOOK_SECRETS: webhookSecret, ROLE: 'api', ...mimeEnvironment },
      log.logger,
    );
    await fill('former', 'quarantined', 20);
    await fill('mail-co', 'quarantined', LIMIT - 1);
    await fill('text-co', 'quarantined', LIMIT - 2);
    await fill('text-co', 'pending', 1);
  });
  after(() => service.stop());

  it('stores the last webhook, and then refuses others with 503, a log line and a metric', async () => {
    expect((await deliver(service, '{"last": true}')).status).to.equal(200);
    const { status, body, headers } = await deliver(service, '{"more": true}');
    expect([status, body.code, headers.get('retry-after')]).to.deep.equal([503, 'unavailable', '60']);
    expect(log.of('webhook inbox full')).to.have.length(1);
    expect(log.of('webhook inbox full')[0]).to.include({ account: 'text-co', limit: LIMIT, level: 50 });
    expect(await metric('messaging_webhook_inbox_full_total', 'account="text-co"')).to.equal(1);
  });

  it('still counts a redelivery, processes other webhooks, and stores those of other accounts', async () => {
    expect((await deliver(service, '{"last": true}')).status).to.equal(200);
    const { data } = (await service.request('GET', '/api/quarantine?account=text-co&limit=1')).body;
    expect(data[0].received_count).to.equal(2);
    expect((await deliver(service, inboundBody('limit-1'))).status).to.equal(200);
    const other = await service.request('POST', '/api/webhooks/mail-co', '{"other": true}');
    expect(other.status).to.equal(200);
  });

  it('is measured without reading the table', async () => {
    const client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    try {
      await client.query('analyze webhook_inbox; begin');
      const { rows } = await client.query(
        `select account, state, webhooks, oldest_seconds >= 3600 as is_old from ${FUNCTION_SCHEMA}.measure_inbox($1)`,
        [LIMIT / 2],
      );
      expect(rows).to.deep.equal([
        { account: 'former', state: 'quarantined', webhooks: 20, is_old: true },
        { account: 'mail-co', state: 'quarantined', webhooks: LIMIT / 2, is_old: true },
        { account: 'text-co', state: 'pending', webhooks: 1, is_old: true },
        { account: 'text-co', state: 'quarantined', webhooks: LIMIT / 2, is_old: true },
      ]);
      const scans = await client.query(
        `select seq_scan::int, seq_tup_read::int from pg_stat_xact_user_tables where relname = 'webhook_inbox'`,
      );
      expect(scans.rows).to.deep.equal([{ seq_scan: 0, seq_tup_read: 0 }]);
    } finally {
      await client.end();
    }
  });

  it('accepts webhooks again after a webhook is deleted', async () => {
    const { data } = (await service.request('GET', '/api/quarantine?account=text-co&limit=1')).body;
    expect((await service.request('DELETE', `/api/quarantine/${data[0].id}`)).status).to.equal(204);
    expect((await deliver(service, '{"more": true}')).status).to.equal(200);
  });

  it('has a limit of bytes too, beyond which only redeliveries are accepted and no large body is written', async () => {
    const large = Buffer.alloc(1_500_000, 'x');
    expect((await deliverMime(service, large)).status).to.equal(200);
    // In a new service, because a process measures the bytes every few seconds.
    await sql(`with object as (insert into media_objects (id) values (gen_random_uuid()), (gen_random_uuid()) returning id)
      insert into webhook_inbox (account, state, target, headers, object_id, object_bytes, digest)
      select 'mime', 'quarantined', '/', '{}', id, 2147000000, sha256(id::text::bytea) from object`);
    const other = await startHarness(
      { DATABASE_URL: service.databaseUrl, ROLE: 'api', ...mimeEnvironment },
      log.logger,
    );
    try {
      expect((await deliverMime(other, large)).status).to.equal(200);
      const { status, body } = await deliverMime(other, Buffer.alloc(1_500_000, 'y'));
      expect([status, body.code]).to.deep.equal([503, 'unavailable']);
      expect((await deliverMime(other, 'small')).status).to.equal(503);
      expect(log.of('webhook inbox full').at(-1)).to.include({ account: 'mime', unit: 'bytes' });
      expect(await sql('select from media_objects')).to.have.length(3);
    } finally {
      await other.stop();
    }
  });
});
