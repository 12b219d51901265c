import { expect } from 'chai';
import pg from 'pg';
import { openPool } from '../../src/db/pools.ts';
import { mediaCollection } from '../../src/media/collect.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { deleteRows, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

describe('The collection of files without a message', () => {
  let service: Harness;
  let pool: pg.Pool;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    pool = openPool(service.databaseUrl, () => undefined, { poolSize: 2 });
    await service.request('POST', '/api/messages/sms', {
      from: '+12016661234',
      to: '+18045551234',
      body: 'x',
    });
  });
  beforeEach(() => deleteRows(service.databaseUrl, 'message_media', 'media', 'media_objects'));
  after(async () => {
    await pool.end();
    await service.stop();
  });

  const upload = async () => {
    const headers = { 'content-type': 'image/png' };
    return (await service.request('POST', '/api/media', 'a picture', headers)).body.id as number;
  };
  const age = (table: 'media' | 'media_objects', interval: string) =>
    query(service.databaseUrl, `update ${table} set created_at = now() - interval '${interval}'`);
  const collect = async () => {
    const { step } = mediaCollection(pool, createPostgresStore(pool));
    while (await step());
  };
  const ids = async (table: 'media' | 'media_objects') =>
    (await query<{ id: unknown }>(service.databaseUrl, `select id from ${table} order by id`)).map(
      ({ id }) => Number(id) || id,
    );
  const give = 'insert into message_media (message_id, position, media_id) values (1, 1, $1)';

  it('removes an upload that no message has named for seven days, with its content', async () => {
    await upload();
    await age('media', '8 days');
    const young = await upload();
    await collect();
    expect([await ids('media'), (await ids('media_objects')).length]).to.deep.equal([[young], 1]);
    const { status } = await service.request('GET', `/api/media/${young}/content`);
    expect(status).to.equal(200);
  });

  it('keeps the files of messages, stored or not', async () => {
    const id = await upload();
    await query(service.databaseUrl, give, [id]);
    await query(
      service.databaseUrl,
      `with added as (insert into media (state, source_url) values ('pending', 'https://example.com') returning id)
       insert into message_media (message_id, position, media_id) select 1, 2, id from added`,
    );
    await age('media', '1 year');
    await age('media_objects', '1 year');
    await collect();
    expect((await ids('media')).length).to.equal(2);
    expect((await service.request('GET', `/api/media/${id}/content`)).body).to.equal('a picture');
  });

  it('removes content without media after a day', async () => {
    const store = createPostgresStore(pool);
    const parts = async function* () {
      yield Buffer.from('x');
    };
    await store.write(parts());
    await age('media_objects', '25 hours');
    const { id } = await store.write(parts());
    await upload();
    await collect();
    expect(await ids('media_objects'))
      .to.have.length(2)
      .and.to.include(id);
  });

  it('removes every such file among many others', async () => {
    const used = 'id % 3 = 0';
    await query(
      service.databaseUrl,
      `with object as (
         insert into media_objects (id, created_at) select gen_random_uuid(), now() - interval '8 days'
         from generate_series(1, 550) returning id
       ), stored as (select id, row_number() over () as n from object)
       insert into media (state, object_id, content_type, size, sha256, created_at)
       select 'stored', id, 'image/png', 1, sha256('x'), now() - interval '8 days' from stored where n <= 350`,
    );
    await query(
      service.databaseUrl,
      `insert into message_media (message_id, position, media_id)
       select 1, row_number() over (), id from media where ${used}`,
    );
    const kept = await query(service.databaseUrl, `select id from media where ${used}`);
    await collect();
    expect([(await ids('media')).length, (await ids('media_objects')).length]).to.deep.equal([
      ...[kept.length, kept.length],
    ]);
  });

  describe('at the same time as a message that names the file', () => {
    const withClient = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
      const client = new pg.Client({ connectionString: service.databaseUrl });
      await client.connect();
      try {
        await client.query('begin');
        return await work(client);
      } finally {
        await client.end();
      }
    };

    it('keeps the file if the message is recorded first', () =>
      withClient(async (client) => {
        const id = await upload();
        await age('media', '8 days');
        await client.query(give, [id]);
        await collect();
        await client.query('commit');
        await collect();
        expect(await ids('media')).to.deep.equal([id]);
        expect((await service.request('GET', `/api/media/${id}/content`)).body).to.equal('a picture');
      }));

    it('lets no message be recorded without the file if the file is removed first', () =>
      withClient(async (client) => {
        const id = await upload();
        await age('media', '8 days');
        await client.query('delete from media where id = $1', [id]);
        const recorded = query(service.databaseUrl, give, [id]).catch((error) => error.code);
        await until(
          async () =>
            (
              await query(
                service.databaseUrl,
                `select from pg_stat_activity where wait_event_type = 'Lock'
               and datname = current_database()`,
              )
            ).length > 0,
          'the message waits for the lock',
        );
        await client.query('commit');
        expect(await recorded).to.equal('23503');
      }));
  });

  it('runs when a worker starts', async () => {
    await upload();
    await age('media', '8 days');
    const worker = await startHarness({ DATABASE_URL: service.databaseUrl, ROLE: 'worker' });
    await until(async () => (await ids('media_objects')).length === 0, 'no object');
    await worker.stop();
  });
});
