import { expect } from 'chai';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import type { UnavailableError } from '../../src/errors.ts';
import { MediaLinks } from '../../src/media/links.ts';
import { Media } from '../../src/media/media.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { secretKey } from '../support/harness.ts';

describe('Downloads at the same time', () => {
  let database: Database;
  before(async () => {
    database = openDatabase(await createMigratedDatabase(), () => undefined);
  });
  after(() => database.close());

  it('are at most 128, and a download that ends early makes room for another', async () => {
    const { knex, pool } = database;
    const links = new MediaLinks([secretKey], null);
    const media = new Media({ knex, pool, links, store: createPostgresStore(pool) });
    const upload = { name: null, channel: null, actor: null };
    const parts = (async function* () {
      yield Buffer.alloc(600_000);
    })();
    const { id } = await media.upload({ contentType: 'image/png', length: null, parts }, upload);
    const file = await media.file(id);
    const start = async () => {
      const download = media.read(file, 0, file.size);
      await download.next();
      return download;
    };
    const running = await Promise.all(Array.from({ length: 128 }, start));
    const refusal = await start().catch((error: UnavailableError) => error);
    expect(refusal).to.include({ code: 'unavailable', message: 'Too many downloads at once.' });
    await running[0]?.return(undefined);
    const next = await start();
    await start().then(
      () => expect.fail('one too many'),
      ({ code }) => expect(code).to.equal('unavailable'),
    );
    for (const download of [...running, next]) await download.return(undefined);
  });
});
