import type { OutgoingFile } from '../outgoing.ts';

/** The types of media in an MMS; each is also the name of the field with the URL. */
export const MEDIA_TYPES = ['image', 'audio', 'video', 'vcard', 'file'] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/**
 * Max bytes of a file. Vonage documents no limit; this is the largest MMS that all carriers of the USA deliver from all types of
 * numbers (https://developers.telnyx.com/docs/messaging/messages/mms-transcoding).
 */
export const MAX_FILE_BYTES = 600_000;

/** The files that the Messages API accepts, by content type. Source: https://developer.vonage.com/en/messages/concepts/mms */
const BY_CONTENT_TYPE = new Map<string, MediaType>([
  ['image/jpeg', 'image'],
  ['image/jpg', 'image'],
  ['image/png', 'image'],
  ['image/gif', 'image'],
  ['audio/mpeg', 'audio'],
  ['audio/mp3', 'audio'],
  ['video/mp4', 'video'],
  ['video/3gpp', 'video'],
  ['text/vcard', 'vcard'],
  ['text/x-vcard', 'vcard'],
  ['application/pdf', 'file'],
]);

/** The accepted content types, with the max bytes of one file. */
export const CONTENT_TYPES: ReadonlyMap<string, number> = new Map(
  [...BY_CONTENT_TYPE.keys()].map((contentType) => [contentType, MAX_FILE_BYTES]),
);

/** The same, by extension. */
const BY_EXTENSION = new Map<string, MediaType>([
  ['mp3', 'audio'],
  ['mp4', 'video'],
  ['3gp', 'video'],
  ['3gpp', 'video'],
  ['vcf', 'vcard'],
  ['pdf', 'file'],
]);

/**
 * The type of a media file by its content type, or else by the extension in its URL. Without a known extension, the file is taken
 * for an image.
 */
export function mediaTypeOf({ url, contentType }: OutgoingFile): MediaType {
  if (contentType !== null) return BY_CONTENT_TYPE.get(contentType) ?? 'file';
  const [, extension = ''] = /\.(\w{1,8})$/.exec(url.split(/[?#]/, 1)[0] ?? '') ?? [];
  return BY_EXTENSION.get(extension.toLowerCase()) ?? 'image';
}
