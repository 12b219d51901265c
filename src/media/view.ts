import type { Schema } from '../openapi/types.ts';
import type { MediaLinks } from './links.ts';

/** The columns of a file that responses contain, as JSON of the database has them. */
export interface MediaRow {
  id: number;
  state: Schema<'MediaState'>;
  content_type: string | null;
  size: number | null;
  name: string | null;
  error: Schema<'MediaError'> | null;
  created_at: string | Date;
  /** Of an inline file of an email; absent or null for any other file. */
  content_id?: string | null;
}

/** The columns of a `MediaRow` in the table `media`. */
export const MEDIA_COLUMNS = [
  'id',
  'state',
  'content_type',
  'size',
  'name',
  'error',
  'created_at',
] as const satisfies (keyof MediaRow)[];

/** SQL: a `MediaRow` of the table `media` as JSON. */
export const MEDIA_ROW = `json_build_object(${MEDIA_COLUMNS.map((name) => `'${name}', media.${name}`).join(', ')})`;

/** SQL: a `MediaRow` of a message, which can have another name there, and a content id. */
const FILE_ROW = `json_build_object(${[
  ...MEDIA_COLUMNS.map((name) =>
    name === 'name' ? `'name', coalesce(message_media.name, media.name)` : `'${name}', media.${name}`,
  ),
  `'content_id', content_id`,
].join(', ')})`;

/** Media after this position are copies of the files behind `attachments`, which deliveries have fetched. */
export const LAST_POSITION = 1_000;

/** SQL: whether a message of a table can have files. An SMS has files only if its provider has sent an MMS as an SMS. */
export function canHaveMedia(table: string): string {
  return `(${table}.type <> 'sms' or ${table}.attachments <> '{}')`;
}

/** SQL: the files of a message of a table, in their order, as `MediaRow`s; null if it has none. */
export function mediaOf(table: string): string {
  return `case when ${canHaveMedia(table)} then (
    select json_agg(${FILE_ROW} order by position)
    from message_media join media on media.id = media_id where message_media.message_id = ${table}.id
      and position <= ${LAST_POSITION}
  ) end`;
}

/** SQL: the files of a row of `messages`, up to the file that exceeds the number `:characters` of characters. */
export const START_OF_MEDIA = `
  case when ${canHaveMedia('messages')} then (
    select json_agg(file order by position) from (
      select file, position, sum(length(file::text)) over (order by position) - length(file::text) as before
      from (
        select position, ${FILE_ROW} as file
        from message_media join media on media.id = media_id where message_media.message_id = messages.id
      and position <= ${LAST_POSITION}
      ) as presented
    ) as measured where before <= :characters
  ) end`;

/** A file with a link to its content. */
export function presentMedia(row: MediaRow, links: MediaLinks): Schema<'Media'> {
  const { id, state, content_type, size, name, error, created_at, content_id = null } = row;
  const url = state === 'stored' ? links.urlOf(id) : null;
  return {
    ...{ id, state, content_type, size, name, url, error },
    ...(content_id !== null && { content_id }),
    created_at: new Date(created_at).toISOString(),
  };
}
