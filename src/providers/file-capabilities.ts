import type { Capabilities } from './capabilities.ts';
import type { Missing, Routable, StoredFile } from './routable.ts';

const OTHER_KIND = 'add an account of a kind';

/** Every capability that the files of a message need and an account does not have. The files behind URLs are not known. */
export function missingForFiles(capabilities: Capabilities, message: Routable): Missing[] {
  const { length } = message.attachments;
  const files = message.media ?? [];
  if (length + files.length === 0) return [];
  return [
    ...byUrl(capabilities, message),
    ...count(capabilities, length, files),
    ...types(capabilities, files),
    ...bytes(capabilities, files),
  ];
}

/** Whether an account with these capabilities can send all files that an account with the `other` capabilities can send. */
export function hasFileCapabilitiesOf({ mediaTypes }: Capabilities, other: Capabilities): boolean {
  if (mediaTypes === null) return true;
  if (other.mediaTypes === null) return false;
  return [...other.mediaTypes].every(([type, max]) => (mediaTypes.get(type) ?? 0) >= max);
}

/** The part of a request that has the files: URLs, or else stored files. */
export function pathOfFiles({ attachments, media }: Pick<Routable, 'attachments' | 'media'>): string | null {
  if (attachments.length > 0) return '/body/attachments';
  return (media?.length ?? 0) > 0 ? '/body/media_ids' : null;
}

function byUrl({ attachmentsBy }: Capabilities, message: Routable): Missing[] {
  if (attachmentsBy.includes('url')) return [];
  return [
    {
      path: pathOfFiles(message) ?? '/body',
      need: 'has attachments by URL',
      limit: 'sends no attachments by URL',
      alternative: `put the URLs into the body, or ${OTHER_KIND} with attachments by URL`,
    },
  ];
}

function count({ maxAttachments }: Capabilities, urls: number, files: readonly StoredFile[]): Missing[] {
  const length = urls + files.length;
  if (maxAttachments === null || length <= maxAttachments) return [];
  return [
    {
      path: urls > maxAttachments || files.length === 0 ? '/body/attachments' : '/body/media_ids',
      need: `has ${length} attachments`,
      limit: `sends at most ${maxAttachments} attachment${maxAttachments === 1 ? '' : 's'}`,
      alternative: 'send several messages',
    },
  ];
}

/** The files whose type the provider does not send, or not with this size. */
function types({ mediaTypes }: Capabilities, files: readonly StoredFile[]): Missing[] {
  if (mediaTypes === null) return [];
  return files.flatMap(({ id, content_type, size }, index) => {
    const max = mediaTypes.get(content_type);
    if (max !== undefined && size <= max) return [];
    const path = `/body/media_ids/${index}`;
    if (max === undefined) {
      const alternative = `convert the file, or ${OTHER_KIND} with this type`;
      return {
        path,
        need: `media ${id} is ${content_type}`,
        limit: `does not send ${content_type}`,
        alternative,
      };
    }
    return {
      ...{ path, need: `media ${id} (${content_type}) has ${size} bytes` },
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
      path: `/body/media_ids/${index}`,
      need: `with media ${file.id} (${file.content_type}, ${file.size} bytes), the files have ${total} bytes together`,
      limit: `sends at most ${maxMediaBytes} bytes in one message`,
      alternative: `send smaller files or several messages, or ${OTHER_KIND} with larger files`,
    },
  ];
}
