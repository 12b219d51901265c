/**
 * A type and a subtype (RFC 6838, section 4.2). The tokens of HTTP have more characters, such as `*`, but no registered type has
 * them.
 */
const TYPE = /^\s*([a-z\d][a-z\d!#$&^_.+-]{0,126}\/[a-z\d][a-z\d!#$&^_.+-]{0,126})\s*(?:;|$)/i;
const TEXT_MESSAGE_GROUPS = new Set(['image', 'audio', 'video']);
/** vCards have two other names in use. */
const TEXT_MESSAGE_TYPES = new Set([
  'text/vcard',
  'text/x-vcard',
  'text/directory',
  'text/calendar',
  'text/plain',
  'application/pdf',
]);

/** The type in a `Content-Type`, in lower case and without parameters; null if it is missing or not a type. */
export function mediaTypeOf(contentType: string | undefined): string | null {
  return TYPE.exec(contentType ?? '')?.[1]?.toLowerCase() ?? null;
}

/** Whether a type has parameters, which `mediaTypeOf` leaves out. */
export function hasParameters(contentType: string): boolean {
  return contentType.includes(';');
}

/** Whether an SMS or MMS can have files of this type: pictures, audio, video, vCards, calendars, plain text and PDF. */
export function isTextMessageType(type: string): boolean {
  return TEXT_MESSAGE_GROUPS.has(type.split('/')[0] as string) || TEXT_MESSAGE_TYPES.has(type);
}
