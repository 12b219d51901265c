import { randomUUID } from 'node:crypto';
import { query } from './database.ts';

export interface StoredFile {
  contentType?: string;
  content?: Buffer;
  /** The size that the row has; default: that of the content. */
  size?: number;
  name?: string;
}

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
  'base64',
);

/** Adds a stored file of any size, which an upload would need time for, and returns the id of the media. */
export async function storeMedia(
  databaseUrl: string,
  { contentType = 'image/png', content = PICTURE, size = content.length, name }: StoredFile = {},
): Promise<number> {
  const [row] = await query<{ id: string }>(
    databaseUrl,
    `with object as (insert into media_objects (id) values ($1) returning id),
       chunk as (insert into media_chunks (object_id, number, data) values ($1, 0, $2))
     insert into media (state, object_id, content_type, size, sha256, name)
     select 'stored', id, $3, $4, sha256($2), $5 from object returning id`,
    [randomUUID(), content, contentType, size, name ?? null],
  );
  return Number(row?.id);
}

/** Adds a file that is not stored, and returns the id of the media. */
export async function addMedia(databaseUrl: string, state: 'pending' | 'failed'): Promise<number> {
  const error = { code: 'not_found', detail: 'The provider does not have the file' };
  const [row] = await query<{ id: string }>(
    databaseUrl,
    `insert into media (state, source_url, error) values ($1, 'https://example.com/a.png', $2) returning id`,
    [state, state === 'failed' ? error : null],
  );
  return Number(row?.id);
}

/** Removes a file, as the collection of unused files does. */
export async function removeMedia(databaseUrl: string, id: number): Promise<void> {
  await query(databaseUrl, 'delete from message_media where media_id = $1', [id]);
  await query(databaseUrl, 'delete from media where id = $1', [id]);
}
