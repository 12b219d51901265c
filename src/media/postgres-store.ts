import { createHash, randomUUID } from 'node:crypto';
import pLimit, { type LimitFunction } from 'p-limit';
import type pg from 'pg';
import { execute } from '../db/transaction.ts';
import { partsOfSize } from './parts.ts';
import type { ListedObject, MediaStore, StoredObject } from './store.ts';

/** The bytes of every row but the last of an object; the migration has the same limit. */
const CHUNK_BYTES = 524_288;
/** The max bytes of one read. A part of a row is read as fast as a small row, because its data is not compressed. */
const READ_BYTES = 262_144;
/** The share of the connections that may transfer files at the same time, so that messages need not wait for files. */
const CONNECTION_SHARE = 1 / 2;
/** The objects that one statement removes, so that it takes at most a few seconds. */
const REMOVED_AT_ONCE = 10;
/** Sorts before every id. */
const NIL = '00000000-0000-0000-0000-000000000000';

const INSERT_OBJECT = {
  name: 'insert-media-object',
  text: 'insert into media_objects (id) values ($1)',
};
const INSERT_CHUNK = {
  name: 'insert-media-chunk',
  text: 'insert into media_chunks (object_id, number, data) values ($1, $2, $3)',
};
const READ = {
  name: 'read-media-chunk',
  text: 'select substring(data from $3 for $4) as data from media_chunks where object_id = $1 and number = $2',
};
const DELETE = {
  name: 'delete-media-objects',
  text: 'delete from media_objects where id = any($1)',
};
const LIST = {
  name: 'list-media-objects',
  text: 'select id, created_at as "createdAt" from media_objects where id > $1 order by id limit $2',
};

/**
 * Keeps files in the tables `media_objects` and `media_chunks`. Each chunk is written or read by a statement of its own, so that
 * no connection is in use while a client sends or receives.
 */
export function createPostgresStore(pool: pg.Pool): MediaStore {
  const limit = pLimit(Math.max(1, Math.floor(pool.options.max * CONNECTION_SHARE)));
  return {
    write: (parts) => write(pool, limit, parts),
    read: (object, start, end) => read(pool, limit, object, start, end),
    remove: (objects) => remove(pool, objects),
    list: async (after, count) => (await execute<ListedObject>(pool, LIST, [after ?? NIL, count])).rows,
  };
}

async function write(
  pool: pg.Pool,
  limit: LimitFunction,
  parts: AsyncIterable<Buffer>,
): Promise<StoredObject> {
  const id = randomUUID();
  const hash = createHash('sha256');
  let [size, number] = [0, 0];
  await limit(() => execute(pool, INSERT_OBJECT, [id]));
  try {
    for await (const chunk of partsOfSize(parts, CHUNK_BYTES)) {
      hash.update(chunk);
      size += chunk.length;
      await limit(() => execute(pool, INSERT_CHUNK, [id, number, chunk]));
      number++;
    }
  } catch (error) {
    // Without a database, the object stays until it is collected.
    await remove(pool, [id]).catch(() => undefined);
    throw error;
  }
  return { id, size, sha256: hash.digest() };
}

async function* read(
  pool: pg.Pool,
  limit: LimitFunction,
  object: string,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let at = start;
  while (at < end) {
    const number = Math.floor(at / CHUNK_BYTES);
    const offset = at % CHUNK_BYTES;
    const length = Math.min(READ_BYTES, CHUNK_BYTES - offset, end - at);
    const values = [object, number, offset + 1, length];
    const { rows } = await limit(() => execute<{ data: Buffer }>(pool, READ, values));
    const data = rows[0]?.data;
    if (data?.length !== length) throw new Error(`Object ${object} has no bytes ${at} to ${at + length}`);
    yield data;
    at += length;
  }
}

async function remove(pool: pg.Pool, objects: readonly string[]): Promise<void> {
  for (let n = 0; n < objects.length; n += REMOVED_AT_ONCE)
    await execute(pool, DELETE, [objects.slice(n, n + REMOVED_AT_ONCE)]);
}
