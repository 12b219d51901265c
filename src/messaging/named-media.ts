import type pg from 'pg';
import type { Channel } from '../channel.ts';
import { execute } from '../db/transaction.ts';
import type { Fault } from '../errors.ts';
import type { MediaLinks } from '../media/links.ts';
import { isTextMessageType } from '../media/types.ts';
import { MEDIA_COLUMNS, type MediaRow } from '../media/view.ts';
import type { StoredFile } from '../providers/routable.ts';
import type { NamedFile } from './email/attachments.ts';

/** A file that a message can name: its type and its size are known. */
export type StoredMedia = MediaRow & StoredFile;

/** The stored files of a request. */
export interface NamedMedia {
  /** In the order of the request, with their paths; null if there are faults, or the message names no files. */
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
  files: readonly NamedFile[],
  uploader: string | null,
) => Promise<NamedMedia>;

const FIND = {
  name: 'find-named-media',
  text: `
    select ${MEDIA_COLUMNS.join(', ')} from media where id = any($1::bigint[]) and ($2::text is null or actor = $2)`,
};

/** The find of a service. It reads the database only for a message that names files. */
export function createFindMedia(pool: pg.Pool, links: MediaLinks): FindMedia {
  return async (channel, files, uploader) => {
    const hasLinks = links.areAvailable;
    if (files.length === 0) return { media: null, faults: [], hasLinks };
    const ids = files.map(({ id }) => id);
    const { rows } = await execute<MediaRow>(pool, FIND, [ids, uploader]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    const faults = files.flatMap((file) => faultOf(byId.get(file.id), channel, file) ?? []);
    return {
      media:
        faults.length > 0 ? null : files.map(({ id, path }) => ({ ...(byId.get(id) as StoredMedia), path })),
      faults,
      hasLinks,
    };
  };
}

function faultOf(row: MediaRow | undefined, channel: Channel, { id, path }: NamedFile): Fault | null {
  if (row === undefined) return { path, message: `there is no media ${id}` };
  const { state, content_type } = row;
  if (state !== 'stored') return { path, message: `media ${id} is ${state}; only stored media can be sent` };
  if (channel === 'email' || isTextMessageType(content_type as string)) return null;
  return { path, message: `media ${id} is ${content_type}, which an mms cannot have` };
}

const FOREIGN_KEY = 'message_media_media_id_fkey';

/** The fault of a message one of whose files was removed after `FindMedia` had found it; null for any other error. */
export function removedMedia(error: unknown, files: readonly NamedFile[]): Fault | null {
  const { constraint, detail } = error as { constraint?: string; detail?: string };
  if (constraint !== FOREIGN_KEY) return null;
  const removed = Number(/\(media_id\)=\((\d+)\)/.exec(detail ?? '')?.[1]);
  const file = files.find(({ id }) => id === removed);
  return file === undefined
    ? { path: '/body', message: 'a file of the message was removed' }
    : { path: file.path, message: `media ${removed} was removed` };
}
