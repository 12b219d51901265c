import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import { execute } from '../db/transaction.ts';
import type { MediaStore } from './store.ts';

const EVERY_MS = 600_000;
/** The media or objects of one step. */
const PAGE = 100;
/** How long an uploaded file waits for its first message. */
const UNUSED_DAYS = 7;
/** Longer than any upload or fetch, which write the object before the media that refer to it. */
const ORPHAN_MS = 24 * 3_600_000;

const REMOVE_UNUSED = {
  name: 'remove-unused-media',
  text: `select last, objects from ${storedFunction('remove_unused_media')}($1, ${PAGE}, $2 * interval '1 day')`,
};
const REFERENCED = {
  name: 'find-referenced-objects',
  text: `
    select object_id from media where object_id = any($1)
    union all select object_id from webhook_inbox where object_id = any($1)`,
};

/** The periodic task that removes files without a message. Several processes may have it. */
export function mediaCollection(pool: pg.Pool, store: MediaStore) {
  const collector = new MediaCollector(pool, store);
  return { everyMs: EVERY_MS, step: () => collector.step() };
}

/**
 * Walks through all media, and then through all objects, a page in each step. A walk needs no index of the age, and its
 * position may be lost: the next walk begins again.
 */
class MediaCollector {
  readonly #pool: pg.Pool;
  readonly #store: MediaStore;
  /** The last media of the walk; null during the walk through the objects. */
  #media: number | null = 0;
  #object: string | null = null;

  constructor(pool: pg.Pool, store: MediaStore) {
    this.#pool = pool;
    this.#store = store;
  }

  /** @returns false at the end of the walk. */
  async step(): Promise<boolean> {
    if (this.#media !== null) {
      this.#media = await this.#removeUnused(this.#media);
      return true;
    }
    this.#object = await this.#removeOrphans(this.#object);
    if (this.#object === null) this.#media = 0;
    return this.#object !== null;
  }

  /** Removes media without a message. If their objects cannot be removed now, they are orphans. */
  async #removeUnused(after: number): Promise<number | null> {
    const { rows } = await execute<{ last: number | null; objects: string[] }>(this.#pool, REMOVE_UNUSED, [
      after,
      UNUSED_DAYS,
    ]);
    const [{ last, objects }] = rows as [(typeof rows)[0]];
    await this.#store.remove(objects);
    return last;
  }

  /** Removes objects that neither media nor a stored webhook has: an upload or a fetch has ended before it was recorded. */
  async #removeOrphans(after: string | null): Promise<string | null> {
    const page = await this.#store.list(after, PAGE);
    const old = page.filter(({ createdAt }) => createdAt.getTime() < Date.now() - ORPHAN_MS);
    const ids = old.map(({ id }) => id);
    const { rows } = await execute<{ object_id: string }>(this.#pool, REFERENCED, [ids]);
    const referenced = new Set(rows.map(({ object_id }) => object_id));
    await this.#store.remove(ids.filter((id) => !referenced.has(id)));
    return page.at(-1)?.id ?? null;
  }
}
