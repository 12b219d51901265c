import type { Capabilities } from './capabilities.ts';
import type { Missing, Routable, StoredFile } from './routable.ts';

const OTHER_KIND = 'add an account of a kind';

/** Every capability that the files of a message need and an account does not have. The files behind URLs are known once they are fetched. */
export function missingForFiles(capabilities: Capabilities, message: Routable): Missing[] {
  const { length } = message.attachments;
  const files = message.media ?? [];
  if (length + files.length === 0) return [];
  return [
    ...anyFile(capabilities, message),
    ...byLink(capabilities, message),
    ...count(capabilities, length, files),
    ...types(capabilities, files),
    ...bytes(capabilities, files),
    ...fetchedBytes(capabilities, message),
  ];
}

/** Whether an account with these capabilities can send all files that an account with the `other` capabilities can send. */
export function hasFileCapabilitiesOf({ mediaTypes }: Capabilities, other: Capabilities): boolean {
  if (mediaTypes === null) return true;
  if (other.mediaTypes === null) return false;
  return [...other.mediaTypes].every(([type, max]) => (mediaTypes.get(type) ?? 0) >= max);
}

/** The list of a request that has the first file. */
export function pathOfFiles({ attachments, media }: Pick<Routable, 'attachments' | 'media'>): string | null {
  if (attachments.length > 0) return LISTED;
  const [file] = media ?? [];
  return file === undefined ? null : isListed(file) ? LISTED : '/body/media_ids';
}

const LISTED = '/body/attachments';

/** Whether a stored file is an item of `attachments`. */
function isListed({ path }: StoredFile): boolean {
  return path?.startsWith(`${LISTED}/`) ?? false;
}

function anyFile({ attachmentsBy }: Capabilities, message: Routable): Missing[] {
  // For an account that takes the content of files, the service fetches the URLs.
  if (attachmentsBy.length > 0) return [];
  return [
    {
      path: pathOfFiles(message) ?? '/body',
      need: 'has attachments',
      limit: 'sends no attachments',
      alternative: `put URLs into the body, or ${OTHER_KIND} with attachments`,
    },
  ];
}

function byLink({ attachmentsBy }: Capabilities, { media, hasLinks = true }: Routable): Missing[] {
  const [file] = media ?? [];
  if (file === undefined || hasLinks || attachmentsBy.includes('content')) return [];
  return [
    {
      path: file.path ?? '/body',
      need: 'has stored files',
      limit: 'fetches files by links, which need PUBLIC_URL',
      alternative: `configure PUBLIC_URL, or ${OTHER_KIND} that takes the content of files`,
    },
  ];
}

function count({ maxAttachments }: Capabilities, urls: number, files: readonly StoredFile[]): Missing[] {
  const length = urls + files.length;
  const listed = urls + files.filter(isListed).length;
  if (maxAttachments === null || length <= maxAttachments) return [];
  return [
    {
      path: listed > maxAttachments || listed === length ? LISTED : '/body/media_ids',
      need: `has ${length} attachments`,
      limit: `sends at most ${maxAttachments} attachment${maxAttachments === 1 ? '' : 's'}`,
      alternative: 'send several messages',
    },
  ];
}

/** A file whose content is in the request has no id yet. */
function labelOf({ id }: StoredFile): string {
  return id === 0 ? 'the file' : `media ${id}`;
}

/** The files whose type the provider does not send, or not with this size. */
function types({ mediaTypes }: Capabilities, files: readonly StoredFile[]): Missing[] {
  if (mediaTypes === null) return [];
  return files.flatMap((file) => {
    const { content_type, size, path = '/body' } = file;
    const max = mediaTypes.get(content_type);
    if (max !== undefined && size <= max) return [];
    if (max === undefined) {
      const alternative = `convert the file, or ${OTHER_KIND} with this type`;
      return {
        path,
        need: `${labelOf(file)} is ${content_type}`,
        limit: `does not send ${content_type}`,
        alternative,
      };
    }
    return {
      ...{ path, need: `${labelOf(file)} (${content_type}) has ${size} bytes` },
      limit: `sends at most ${max} bytes of ${content_type} in one file`,
      alternative: `send a smaller file, or ${OTHER_KIND} with larger files`,
    };
  });
}

/** The first file that makes all files together too large, unless `types` names this file. */
function bytes({ maxMediaBytes, mediaTypes }: Capabilities, files: readonly StoredFile[]): Missing[] {
  if (maxMediaBytes === null) return [];
  let total = 0;
  const index = files.findIndex(({ size }) => {
    total += size;
    return total > maxMediaBytes;
  });
  const file = files[index];
  if (file === undefined || file.size > (mediaTypes?.get(file.content_type) ?? Number.POSITIVE_INFINITY))
    return [];
  return [
    {
      path: file.path ?? '/body',
      need: `with ${labelOf(file)} (${file.content_type}, ${file.size} bytes), the files have ${total} bytes together`,
      limit: `sends at most ${maxMediaBytes} bytes in one message`,
      alternative: `send smaller files or several messages, or ${OTHER_KIND} with larger files`,
    },
  ];
}

/** Of files that `bytes` allows: with those behind URLs, they are too large. */
function fetchedBytes(
  capabilities: Capabilities,
  { media, fetched }: Pick<Routable, 'media' | 'fetched'>,
): Missing[] {
  const { maxMediaBytes } = capabilities;
  if (maxMediaBytes === null || !fetched || bytes(capabilities, media ?? []).length > 0) return [];
  const total = [...(media ?? []), ...fetched].reduce((sum, { size }) => sum + size, 0);
  if (total <= maxMediaBytes) return [];
  return [
    {
      path: '/body/attachments',
      need: `the files have ${total} bytes together`,
      limit: `sends at most ${maxMediaBytes} bytes in one message`,
      alternative: `send smaller files or several messages, or ${OTHER_KIND} with larger files`,
    },
  ];
}
