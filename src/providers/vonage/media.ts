/** The types of media in an MMS; each is also the name of the field with the URL. */
export const MEDIA_TYPES = ['image', 'audio', 'video', 'vcard', 'file'] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/** The files that the Messages API accepts, by extension. Source: https://developer.vonage.com/en/messages/concepts/mms */
const BY_EXTENSION = new Map<string, MediaType>([
  ['mp3', 'audio'],
  ['mp4', 'video'],
  ['3gp', 'video'],
  ['3gpp', 'video'],
  ['vcf', 'vcard'],
  ['pdf', 'file'],
]);

/** The type of a media file by the extension in its URL; without a known extension, the file is taken for an image. */
export function mediaTypeOf(url: string): MediaType {
  const [, extension = ''] = /\.(\w{1,8})$/.exec(url.split(/[?#]/, 1)[0] ?? '') ?? [];
  return BY_EXTENSION.get(extension.toLowerCase()) ?? 'image';
}
