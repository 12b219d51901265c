import { decodeWords } from 'postal-mime';

/** Adjacent encoded words in Base64 of one charset (RFC 2047). */
const SEQUENCE = /=\?([^?\s]{1,50})\?[bB]\?[A-Za-z0-9+/=]*\?=(?:\s+=\?\1\?[bB]\?[A-Za-z0-9+/=]*\?=)+/g;

/** Decodes the encoded words of a header. Mailers split long texts within a character, so that adjacent words are decoded together. */
export function decodeHeader(value: string): string {
  return decodeWords(value.replace(SEQUENCE, joinWords));
}

function joinWords(sequence: string, charset: string): string {
  const words = sequence.split(/\s+/).map((word) => Buffer.from(word.split('?')[3] as string, 'base64'));
  return `=?${charset}?B?${Buffer.concat(words).toString('base64')}?=`;
}
