/**
 * Max bytes of the files of one MMS together, which carriers allow for a long code.
 * Source: https://developers.telnyx.com/docs/messaging/messages/mms-transcoding
 */
export const MAX_MEDIA_BYTES = 1_000_000;

/**
 * Sources: the same page; https://support.telnyx.com/en/articles/4450150-faqs-about-mms-at-telnyx (`text/plain`). A format with
 * several names in use has each of them.
 */
const NAMES = {
  image: ['jpeg', 'jpg', 'png', 'gif', 'bmp', 'tiff', 'webp'],
  audio: ['mpeg', 'mp3', 'wav', 'x-wav', 'vnd.wave', 'amr', 'ogg'],
  video: ['mp4', '3gpp', 'quicktime'],
  text: ['plain', 'vcard', 'x-vcard', 'calendar'],
  application: ['pdf'],
};

/** The accepted content types, with the max bytes of one file. */
export const CONTENT_TYPES: ReadonlyMap<string, number> = new Map(
  Object.entries(NAMES).flatMap(([group, names]) =>
    names.map((name) => [`${group}/${name}`, MAX_MEDIA_BYTES] as const),
  ),
);
