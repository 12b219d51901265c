import { isUtf8 } from 'node:buffer';

const FALLBACK = 'windows-1252';
const ESCAPE = '\x1b';
const ISO_2022_JP = Buffer.from(`${ESCAPE}$`);
/** Labels that say nothing about bytes outside ASCII. */
const VAGUE = /^(?:|us-ascii|ascii|ansi_x3\.4-1968|unknown-?8bit|x-unknown|default|none|8bit|binary)$/i;
const UTF_8 = /^utf-?8$/i;
/** Labels of ISO-2022-JP: `iso-2022-jp`, `csISO2022JP`, `cp50220`, `JUNET`. */
const WITH_ESCAPES = /2022-?jp|5022[012]|junet/i;
/** An escape sequence directly before another one. */
const EMPTY_ESCAPE = new RegExp(`${ESCAPE}[($][@BIJ](?=${ESCAPE}[($])`, 'g');

/**
 * The charset of a text. The declared charset is used, except where it says nothing about the bytes, or where the text is
 * certainly not UTF-8 as declared.
 */
export function charsetOf(declared: string | undefined, content: Uint8Array): string {
  const label = declared?.trim() ?? '';
  if (VAGUE.test(label)) {
    if (Buffer.from(content.buffer, content.byteOffset, content.length).includes(ISO_2022_JP))
      return 'iso-2022-jp';
    return isMostlyUtf8(content) ? 'utf-8' : FALLBACK;
  }
  if (UTF_8.test(label)) return isMostlyUtf8(content) ? 'utf-8' : FALLBACK;
  return label;
}

/** Decodes a text in a declared charset, or, if the charset is unknown, in one that fits the bytes. */
export function decodeText(content: Buffer, declared?: string): string {
  const charset = charsetOf(declared, content);
  try {
    return new TextDecoder(charset).decode(withoutEmptyEscapes(content, charset));
  } catch {
    return decodeText(content);
  }
}

/**
 * The content without escape sequences of ISO-2022-JP that no character follows. Texts that were joined have them, and `TextDecoder`
 * reads them as errors.
 */
export function withoutEmptyEscapes(content: Buffer, charset: string | undefined): Buffer {
  if (!WITH_ESCAPES.test(charset ?? '')) return content;
  return Buffer.from(content.toString('latin1').replace(EMPTY_ESCAPE, ''), 'latin1');
}

/** Also a text with some damaged characters, such as one that was cut in the middle of a character. */
function isMostlyUtf8(content: Uint8Array): boolean {
  if (isUtf8(content)) return true;
  const text = new TextDecoder().decode(content);
  const damaged = text.split('\ufffd').length - 1;
  const whole = text.replace(/[\0-\x7f\ufffd]+/g, '').length;
  return whole > damaged;
}
