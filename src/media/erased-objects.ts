import type pg from 'pg';
import { execute } from '../db/transaction.ts';
import type { MediaStore } from './store.ts';

const EVERY_MS = 10_000;
/** The objects of one step. */
const PAGE = 100;

const FIND = { name: 'find-erased-objects', text: `select id from removed_objects limit ${PAGE}` };
const FORGET = {
  name: 'forget-erased-objects',
  text: 'delete from removed_objects where id = any($1::uuid[])',
};

/**
 * Removes the content of some erased files from the store. The transaction that erases a file records its object, so that the content
 * is also removed if the process ends before this step.
 *
 * @returns whether more may remain.
 */
export async function removeErasedObjects(pool: pg.Pool, store: MediaStore): Promise<boolean> {
  const { rows } = await execute<{ id: string }>(pool, FIND, []);
  if (rows.length === 0) return false;
  const ids = rows.map(({ id }) => id);
  await store.remove(ids);
  await execute(pool, FORGET, [ids]);
  return rows.length === PAGE;
}

/** The periodic task that removes the content of erased files. Several processes may have it. */
export function erasedObjectRemoval(pool: pg.Pool, store: MediaStore) {
  return { everyMs: EVERY_MS, step: () => removeErasedObjects(pool, store) };
}
