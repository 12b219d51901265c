import { openPool } from '../../../src/db/pools.ts';
import { mediaCollection } from '../../../src/media/collect.ts';
import { createPostgresStore } from '../../../src/media/postgres-store.ts';
import { claimFetches } from '../../../src/webhooks/media/claim.ts';
import { query } from '../../support/database.ts';

/** The files of one claim. */
const BATCH = 16;
const LEASE_MS = 60_000;
const CLAIMS = 50;

/** Adds files that are to be fetched, as the second files of messages. */
const ADD_DUE = `
  with next as materialized (
    select id, nextval('media_id_seq') as media_id from messages where type = 'mms' order by id limit $1
  ), file as (
    insert into media (id, state, source_url, account) overriding system value
    select media_id, 'pending', 'https://media.example.com/due/' || id, 'filler' from next
  ), due as (
    insert into media_fetches (media_id, account, next_attempt_at) select media_id, 'filler', now() from next
  )
  insert into message_media (message_id, position, media_id) select id, 2, media_id from next`;

export interface Background {
  /** The mean duration of a claim. */
  claimMs: number;
  /** Of one walk of the collection through all files. */
  collectSeconds: number;
}

/** Does the work of a worker that concerns all files: claims those that are due, and looks for those that are not used. */
export async function measureBackground(url: string): Promise<Background> {
  await query(url, ADD_DUE, [BATCH * CLAIMS]);
  const pool = openPool(url, (error) => console.error(error), { poolSize: 4 });
  try {
    const started = performance.now();
    let claimed = 0;
    for (let claim = 0; claim < CLAIMS; claim++)
      claimed += (await claimFetches(pool, BATCH, [], LEASE_MS)).length;
    if (claimed === 0) throw new Error('No file was claimed.');
    const claimMs = (performance.now() - started) / CLAIMS;
    const { step } = mediaCollection(pool, createPostgresStore(pool));
    const collecting = performance.now();
    while (await step());
    return { claimMs, collectSeconds: (performance.now() - collecting) / 1_000 };
  } finally {
    await pool.end();
  }
}
