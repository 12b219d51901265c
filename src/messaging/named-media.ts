import type pg from 'pg';
import type { Channel } from '../channel.ts';
import { execute } from '../db/transaction.ts';
import type { Fault } from '../errors.ts';
import type { MediaLinks } from '../media/links.ts';
import { isTextMessageType } from '../media/types.ts';
import { MEDIA_COLUMNS, type MediaRow } from '../media/view.ts';
import type { StoredFile } from '../providers/routable.ts';

/** A file that a message can name: its type and its size are known. */
export type StoredMedia = MediaRow & StoredFile;

/** The files of `media_ids`. */
export interface NamedMedia {
  /** In the order of `media_ids`; null if there are faults, or the message names no files. */
  media: StoredMedia[] | null;
  faults: Fault[];
  /** Whether there are links to stored files. */
  hasLinks: boolean;
}

/**
 * Finds the files that a message of a channel names.
 *
 * @param uploader the API key that must have uploaded the files; null: any.
 */
export type FindMedia = (
  channel: Channel,
  ids: readonly number[],
  uploader: string | null,
) => Promise<NamedMedia>;

const FIND = {
  name: 'find-named-media',
  text: `
    select ${MEDIA_COLUMNS.join(', ')} from media where id = any($1::bigint[]) and ($2::text is null or actor = $2)`,
};

/** The find of a service. It reads the database only for a message that names files. */
export function createFindMedia(pool: pg.Pool, links: MediaLinks): FindMedia {
  return async (channel, ids, uploader) => {
    const hasLinks = links.areAvailable;
    if (ids.length === 0) return { media: null, faults: [], hasLinks };
    const { rows } = await execute<MediaRow>(pool, FIND, [ids, uploader]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    const faults = ids.flatMap((id, index) => faultOf(byId.get(id), channel, id, index) ?? []);
    return {
      media: faults.length > 0 ? null : ids.map((id) => byId.get(id) as StoredMedia),
      faults,
      hasLinks,
    };
  };
}

function faultOf(row: MediaRow | undefined, channel: Channel, id: number, index: number): Fault | null {
  const path = `/body/media_ids/${index}`;
  if (row === undefined) return { path, message: `there is no media ${id}` };
  const { state, content_type } = row;
  if (state !== 'stored') return { path, message: `media ${id} is ${state}; only stored media can be sent` };
  if (channel === 'email' || isTextMessageType(content_type as string)) return null;
  return { path, message: `media ${id} is ${content_type}, which an mms cannot have` };
}

const FOREIGN_KEY = 'message_media_media_id_fkey';

/** The fault of a message one of whose files was removed after `FindMedia` had found it; null for any other error. */
export function removedMedia(error: unknown, ids: readonly number[]): Fault | null {
  const { constraint, detail } = error as { constraint?: string; detail?: string };
  if (constraint !== FOREIGN_KEY) return null;
  const id = Number(/\(media_id\)=\((\d+)\)/.exec(detail ?? '')?.[1]);
  const index = ids.indexOf(id);
  return index === -1
    ? { path: '/body/media_ids', message: 'one of the media was removed' }
    : { path: `/body/media_ids/${index}`, message: `media ${id} was removed` };
}
