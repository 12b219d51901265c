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
}

/** SQL: a `MediaRow` of the table `media` as JSON. */
export const MEDIA_ROW = `json_build_object('id', media.id, 'state', media.state, 'content_type', media.content_type,
  'size', media.size, 'name', media.name, 'error', media.error, 'created_at', media.created_at)`;

/** A file with a link to its content. */
export function presentMedia(row: MediaRow, links: MediaLinks): Schema<'Media'> {
  const { id, state, content_type, size, name, error, created_at } = row;
  const url = state === 'stored' ? links.urlOf(id) : null;
  return { id, state, content_type, size, name, url, error, created_at: new Date(created_at).toISOString() };
}
