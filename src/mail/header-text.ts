/** Control characters and line separators, which a text of one line cannot have. */
export const CONTROL = /[\p{Cc}\u2028\u2029]/u;
/** The start of an encoded word (RFC 2047), also with a language (RFC 2231). Readers decode it with spaces in it, and without its end. */
const ENCODED_WORD = /=\?[^?]*\?[bq]\?/i;

/** Whether readers decode a part of a text, although it was written as a text. */
export function hasEncodedWord(text: string): boolean {
  return ENCODED_WORD.test(text);
}

/** A text from outside in one line and without encoded words, for a header. */
export function safeHeaderText(text: string): string {
  const line = text.replace(new RegExp(CONTROL, 'gu'), ' ');
  return hasEncodedWord(line) ? line.replaceAll('=?', '= ?') : line;
}

/** Max characters of a Message-ID in a header. Most have less than 100. */
const MAX_MESSAGE_ID = 250;
const MESSAGE_ID = /^[\x21-\x3b\x3d\x3f-\x7e]+$/;

/** Whether a Message-ID, without angle brackets, can be in a header: strangers write those of inbound emails. */
export function isSafeMessageId(id: string): boolean {
  return id.length <= MAX_MESSAGE_ID && MESSAGE_ID.test(id) && !hasEncodedWord(id);
}
