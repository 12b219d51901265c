import type { UrlFile } from '../../db/models/email.ts';
import type { Fault } from '../../errors.ts';
import { mediaTypeOf } from '../../media/types.ts';
import type { MediaRow } from '../../media/view.ts';
import type { Schema } from '../../openapi/types.ts';
import { contentIdFaults } from './rules.ts';

/** What a message says about a stored file. */
export interface MediaName {
  /** Null: the name of the file itself. */
  name: string | null;
  /** Of a file that the HTML shows. */
  contentId: string | null;
}

/** The files that a message names. */
export interface RequestedFiles {
  urls: string[];
  /** For each URL, what the request says about its file; null if it says nothing about any. */
  urlFiles: (UrlFile | null)[] | null;
  /** The stored files: `media_ids`, then those in `attachments`. */
  mediaIds: number[];
  /** For each stored file, what the request says about it; null if it says nothing about any. */
  mediaNames: MediaName[] | null;
}

type Request = Pick<Schema<'UntypedMessage'>, 'attachments' | 'media_ids'>;

/** Reads the files of a request: URLs, and objects that name a URL or a stored file. */
export function readAttachments({ attachments, media_ids = [] }: Request, faults: Fault[]): RequestedFiles {
  const urls: string[] = [];
  const urlFiles: (UrlFile | null)[] = [];
  const mediaIds = [...media_ids];
  const mediaNames: MediaName[] = media_ids.map(() => ({ name: null, contentId: null }));
  const contentIds: { path: string; id: string }[] = [];
  for (const [index, attachment] of (attachments ?? []).entries()) {
    const path = `/body/attachments/${index}`;
    if (typeof attachment === 'string') {
      urls.push(attachment);
      urlFiles.push(null);
      continue;
    }
    const { url, media_id, content, ...given } = attachment;
    if (given.content_type !== undefined && mediaTypeOf(given.content_type) === null)
      faults.push({ path: `${path}/content_type`, message: 'must be a media type, such as application/pdf' });
    if (given.content_id !== undefined) contentIds.push({ path: `${path}/content_id`, id: given.content_id });
    if ([url, media_id, content].filter((source) => source !== undefined).length !== 1)
      faults.push({ path, message: 'must have exactly one of content, url and media_id' });
    else if (url !== undefined) {
      urls.push(url);
      urlFiles.push(given);
    } else if (media_id !== undefined) {
      mediaIds.push(media_id);
      mediaNames.push({ name: given.filename ?? null, contentId: given.content_id ?? null });
    } else faults.push({ path: `${path}/content`, message: 'is not supported yet' });
  }
  faults.push(...contentIdFaults(contentIds));
  return {
    urls,
    urlFiles: urlFiles.some((file) => file !== null) ? urlFiles : null,
    mediaIds,
    mediaNames: mediaNames.some(({ name, contentId }) => name ?? contentId) ? mediaNames : null,
  };
}

/** The files as the message shows them. */
export function nameMedia(media: MediaRow[] | null, names: readonly MediaName[] | null): MediaRow[] | null {
  if (media === null || names === null) return media;
  return media.map((row, index) => ({
    ...row,
    name: names[index]?.name ?? row.name,
    content_id: names[index]?.contentId ?? null,
  }));
}
