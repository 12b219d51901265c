import { query } from '../../support/database.ts';
import { createConversations, fillUpTo } from '../data.ts';

/** The bytes of each file. */
const FILE_BYTES = 200_000;
const BATCH = 500;

/** Every second conversation has messages that can have files. */
const MAKE_MMS = `
  update messages set type = 'mms', attachments = array['https://media.example.com/' || id]
  where conversation_id % 2 = 0`;

/** Adds stored files with different content to the messages with attachments after a message. */
const ADD_MEDIA = `
  with chunk as materialized (
    select string_agg(decode(md5(random()::text), 'hex'), '') as data from generate_series(1, $3 / 16)
  ), next as materialized (
    select id, created_at, md5('object ' || id)::uuid as object_id, nextval('media_id_seq') as media_id
    from messages where type = 'mms' and id > $1 order by id limit $2
  ), object as (
    insert into media_objects (id, created_at) select object_id, created_at from next
  ), content as (
    insert into media_chunks (object_id, number, data)
    select object_id, 0, decode(md5(id::text), 'hex') || substring(data from 17) from next, chunk
  ), file as (
    insert into media (id, state, object_id, content_type, size, sha256, name, source_url, account)
    overriding system value
    select media_id, 'stored', object_id, 'image/jpeg', $3, sha256(id::text::bytea), 'photo.jpg',
      'https://media.example.com/' || id, 'filler'
    from next
  ), link as (
    insert into message_media (message_id, position, media_id) select id, 1, media_id from next
  )
  select max(id) as last from next`;

/** Fills a database with conversations, of whose messages `files` can have files. */
export async function fillMessages(url: string, files: number): Promise<void> {
  await createConversations(url);
  await fillUpTo(url, 2 * files);
  await query(url, MAKE_MMS);
  await query(url, 'vacuum analyze');
}

/** Adds a file to each message that can have files. */
export async function addMedia(url: string): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const rows: { last: number | null }[] = await query(url, ADD_MEDIA, [after, BATCH, FILE_BYTES]);
    after = rows[0]?.last ?? null;
  }
  await query(url, 'vacuum (analyze, process_toast false)');
}

export interface Sizes {
  files: number;
  gigabytes: number;
}

export async function sizesOf(url: string): Promise<Sizes> {
  const [row] = await query<Sizes>(
    url,
    `select (select count(*)::int from media) as files, pg_total_relation_size('media_chunks')::float8 / 1e9 as gigabytes`,
  );
  return row as Sizes;
}

/** The numbers of sequential scans of the tables of files. Call it when no other connection is open: an open one reports late. */
export async function sequentialScans(url: string): Promise<Record<string, number>> {
  const rows = await query<{ relname: string; seq_scan: number }>(
    url,
    `select relname, seq_scan::int from pg_stat_user_tables
     where relname in ('media', 'media_chunks', 'media_objects', 'message_media')`,
  );
  return Object.fromEntries(rows.map(({ relname, seq_scan }) => [relname, seq_scan]));
}
