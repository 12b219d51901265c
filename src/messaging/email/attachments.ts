import type { UrlFile } from '../../db/models/email.ts';
import type { Fault } from '../../errors.ts';
import { hasParameters, mediaTypeOf } from '../../media/types.ts';
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
  storedFiles: NamedFile[];
  /** The files whose content is in the request, which follow the stored files. */
  newFiles: NewFile[];
  /** For each stored and each new file, what the request says about it; null if it says nothing about any. */
  mediaNames: MediaName[] | null;
}

/** A stored file that a request names. */
export interface NamedFile {
  id: number;
  /** The part of the request that names the file. */
  path: string;
}

/** A file whose content is in the request. */
export interface NewFile {
  path: string;
  content: Buffer;
  contentType: string;
  name: string | null;
}

const UNKNOWN_TYPE = 'application/octet-stream';

type Request = Pick<Schema<'UntypedMessage'>, 'attachments' | 'media_ids'>;

/** Reads the files of a request: URLs, and objects that name a URL or a stored file. */
export function readAttachments({ attachments, media_ids = [] }: Request, faults: Fault[]): RequestedFiles {
  const urls: string[] = [];
  const urlFiles: (UrlFile | null)[] = [];
  const storedFiles = media_ids.map((id, index) => ({ id, path: `/body/media_ids/${index}` }));
  const mediaNames: MediaName[] = media_ids.map(() => ({ name: null, contentId: null }));
  const newFiles: NewFile[] = [];
  const newNames: MediaName[] = [];
  const contentIds: { path: string; id: string }[] = [];
  for (const [index, attachment] of (attachments ?? []).entries()) {
    const path = `/body/attachments/${index}`;
    if (typeof attachment === 'string') {
      urls.push(attachment);
      urlFiles.push(null);
      continue;
    }
    const { url, media_id, content, ...given } = attachment;
    if (given.content_type !== undefined && media_id !== undefined)
      faults.push({ path: `${path}/content_type`, message: 'must not be beside media_id' });
    else if (given.content_type !== undefined) {
      const message = contentTypeFault(given.content_type);
      if (message !== null) faults.push({ path: `${path}/content_type`, message });
    }
    if (given.content_id !== undefined) contentIds.push({ path: `${path}/content_id`, id: given.content_id });
    if ([url, media_id, content].filter((source) => source !== undefined).length !== 1)
      faults.push({ path, message: 'must have exactly one of content, url and media_id' });
    else if (url !== undefined) {
      urls.push(url);
      const contentType = mediaTypeOf(given.content_type);
      urlFiles.push({ ...given, ...(contentType !== null && { content_type: contentType }) });
    } else if (media_id !== undefined) {
      storedFiles.push({ id: media_id, path: `${path}/media_id` });
      mediaNames.push({ name: given.filename ?? null, contentId: given.content_id ?? null });
    } else {
      const bytes = decodeBase64(content as string);
      if (bytes === null)
        faults.push({
          path: `${path}/content`,
          message: 'must be base64 with padding and without line breaks (RFC 4648, section 4)',
        });
      else {
        const contentType = mediaTypeOf(given.content_type) ?? UNKNOWN_TYPE;
        newFiles.push({ path: `${path}/content`, content: bytes, contentType, name: given.filename ?? null });
        newNames.push({ name: null, contentId: given.content_id ?? null });
      }
    }
  }
  faults.push(...contentIdFaults(contentIds));
  const names = [...mediaNames, ...newNames];
  return {
    urls,
    urlFiles: urlFiles.some((file) => file !== null) ? urlFiles : null,
    storedFiles,
    newFiles,
    mediaNames: names.some(({ name, contentId }) => name ?? contentId) ? names : null,
  };
}

/** Parameters, such as a charset, would be lost: accounts and the store have types only. */
function contentTypeFault(contentType: string): string | null {
  if (mediaTypeOf(contentType) === null) return 'must be a media type, such as application/pdf';
  return hasParameters(contentType) ? 'must be a media type without parameters, which are not sent' : null;
}

/** The bytes of a text in base64 with padding and without line breaks; null for any other text. */
function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
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
