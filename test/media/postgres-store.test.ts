import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import type pg from 'pg';
import { openPool } from '../../src/db/pools.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import type { MediaStore } from '../../src/media/store.ts';
import { createMigratedDatabase, deleteRows, query } from '../support/database.ts';

const CHUNK = 524_288;

describe('The PostgreSQL store of files', () => {
  let url: string;
  let pool: pg.Pool;
  let store: MediaStore;
  before(async () => {
    url = await createMigratedDatabase();
    pool = openPool(url, () => undefined, { poolSize: 6 });
    store = createPostgresStore(pool);
  });
  beforeEach(() => deleteRows(url, 'media_objects'));
  after(() => pool.end());

  const objects = () => query(url, 'select from media_objects');
  const chunkSizes = async () =>
    (await query(url, 'select octet_length(data) as size from media_chunks order by number')).map(
      ({ size }) => size,
    );
  const isIdle = () => pool.idleCount === pool.totalCount && pool.waitingCount === 0;

  it('returns every range of a file that arrived in parts of any size', async () => {
    const file = randomBytes(2 * CHUNK + 1_000);
    const { id, size, sha256 } = await store.write(split(file, [1, 100_000, CHUNK, 3, 600_000, 7]));
    expect([size, sha256.equals(createHash('sha256').update(file).digest())]).to.deep.equal([
      file.length,
      true,
    ]);
    expect(await chunkSizes()).to.deep.equal([CHUNK, CHUNK, 1_000]);
    for (const [start, end] of [
      [0, file.length],
      [0, 1],
      [CHUNK - 1, CHUNK + 1],
      [CHUNK, 2 * CHUNK],
      [300_000, file.length - 1],
      [file.length - 1, file.length],
      [5, 5],
    ] as const)
      expect(
        file.subarray(start, end).equals(await buffer(store.read(id, start, end))),
        `${start} to ${end}`,
      ).to.equal(true);
  });

  it('stores files of exactly one chunk and without a byte', async () => {
    const whole = await store.write(split(Buffer.alloc(CHUNK, 'x'), []));
    const empty = await store.write(split(Buffer.alloc(0), []));
    expect([whole.size, empty.size, await chunkSizes()]).to.deep.equal([CHUNK, 0, [CHUNK]]);
  });

  it('keeps nothing of a file whose parts fail, and throws their error', async () => {
    const failure = new Error('gone');
    async function* parts() {
      yield Buffer.alloc(CHUNK + 1);
      expect(await chunkSizes()).to.deep.equal([CHUNK]);
      throw failure;
    }
    expect(await store.write(parts()).catch((error) => error)).to.equal(failure);
    expect(await objects()).to.deep.equal([]);
  });

  it('needs no connection while it waits for parts, and while its reader waits', async () => {
    async function* parts() {
      for (let n = 0; n < 3; n++) {
        expect(isIdle()).to.equal(true);
        yield Buffer.alloc(CHUNK);
      }
    }
    const { id, size } = await store.write(parts());
    for await (const part of store.read(id, 0, size)) {
      expect(part.length).to.be.at.most(CHUNK);
      expect(isIdle()).to.equal(true);
    }
  });

  it('leaves connections to others while many files are written and read at once', async () => {
    let most = 0;
    async function* parts() {
      for (let n = 0; n < 4; n++) {
        yield Buffer.alloc(CHUNK, n);
        most = Math.max(most, pool.totalCount - pool.idleCount + pool.waitingCount);
      }
    }
    const large = await Promise.all(Array.from({ length: 10 }, () => store.write(parts())));
    const sizes = await Promise.all(
      large.map(async ({ id, size }) => {
        const file = await buffer(store.read(id, 0, size));
        most = Math.max(most, pool.totalCount - pool.idleCount + pool.waitingCount);
        return file.length;
      }),
    );
    expect(sizes).to.deep.equal(large.map(() => 4 * CHUNK));
    expect(most).to.be.at.most(3);
  });

  it('removes objects with their chunks, and ignores objects that do not exist', async () => {
    const { id } = await store.write(split(Buffer.alloc(CHUNK + 1), []));
    const kept = await store.write(split(Buffer.from('kept'), []));
    await store.remove([id, crypto.randomUUID()]);
    await store.remove([]);
    expect([(await objects()).length, await chunkSizes()]).to.deep.equal([1, [4]]);
    expect((await buffer(store.read(kept.id, 0, 4))).toString()).to.equal('kept');
  });

  it('fails to read an object that does not exist, and bytes after its end', async () => {
    const { id } = await store.write(split(Buffer.from('four'), []));
    for (const [object, end] of [
      [crypto.randomUUID(), 1],
      [id, 5],
    ] as const)
      expect(await buffer(store.read(object, 0, end)).catch((error) => error.message)).to.match(
        /^Object .* has no bytes/,
      );
  });
});

/** The file in parts of these sizes, and the rest in one part. */
async function* split(file: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (const size of [...sizes, file.length]) {
    yield file.subarray(start, start + size);
    start += size;
  }
}
