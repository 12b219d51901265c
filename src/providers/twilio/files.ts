/** Max bytes of the files of one MMS together. Source: https://www.twilio.com/docs/messaging/guides/accepted-mime-types */
export const MAX_MEDIA_BYTES = 5_000_000;

/** Pictures, which Twilio resizes for the recipient's device. */
const RESIZED = ['image/jpeg', 'image/jpg', 'image/png', 'image/gif'];

/**
 * Max bytes of any other file, which Twilio passes unchanged. Source:
 * https://www.twilio.com/docs/messaging/api/message-resource (`MediaUrl`)
 */
const MAX_UNCHANGED_BYTES = 500_000;

/** The other types of an MMS that the API accepts (src/media/types.ts). Source: https://www.twilio.com/docs/messaging/guides/accepted-mime-types */
const UNCHANGED = {
  image: ['bmp', 'tiff', 'heic', 'heif'],
  audio: [
    ...['basic', 'l24', 'mp4', 'mpeg', 'ogg', 'vnd.rn-realaudio', 'vnd.wave'],
    ...['3gpp', '3gpp2', 'ac3', 'webm', 'amr-nb', 'amr'],
  ],
  video: [
    ...['mpeg4', 'mp4', 'mpeg', 'webm', 'quicktime', '3gpp', '3gpp2', '3gpp-tt'],
    ...['h261', 'h263', 'h263-1998', 'h263-2000', 'h264'],
  ],
  text: ['vcard', 'x-vcard', 'calendar', 'directory'],
  application: ['pdf'],
};

/** The accepted content types, with the max bytes of one file. */
export const CONTENT_TYPES: ReadonlyMap<string, number> = new Map([
  ...RESIZED.map((type) => [type, MAX_MEDIA_BYTES] as const),
  ...Object.entries(UNCHANGED).flatMap(([group, names]) =>
    names.map((name) => [`${group}/${name}`, MAX_UNCHANGED_BYTES] as const),
  ),
]);
