import { decodeWords } from 'postal-mime';
import { withoutEmptyEscapes } from './charset.ts';

/** An encoded word, or adjacent encoded words of one charset (RFC 2047). */
const WORDS = /=\?([^?\s]{1,50})\?[bq]\?[^?]*\?=(?:\s*=\?\1\?[bq]\?[^?]*\?=)*/gi;
const WORD = /=\?[^?]*\?([bq])\?([^?]*)\?=/gi;

/** Decodes the encoded words of a header. Mailers split long texts within a character, so that adjacent words are decoded together. */
export function decodeHeader(value: string): string {
  return decodeWords(value.replace(WORDS, joinWords));
}

function joinWords(words: string, charset: string): string {
  const bytes = [...words.matchAll(WORD)].map(([, encoding = '', text = '']) =>
    encoding.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : quotedBytes(text),
  );
  const content = withoutEmptyEscapes(Buffer.concat(bytes), charset);
  return `=?${charset}?B?${content.toString('base64')}?=`;
}

/** The bytes of the encoding Q, in which mailers may have folded a line. */
function quotedBytes(text: string): Buffer {
  const bytes = Buffer.from(text).toString('latin1');
  const decoded = bytes.replace(/=\s{0,3}([0-9a-f]{2})|[_\s]/gi, (_, hex?: string) =>
    hex ? String.fromCharCode(Number.parseInt(hex, 16)) : ' ',
  );
  return Buffer.from(decoded, 'latin1');
}
