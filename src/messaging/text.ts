/** Spaces and invisible format characters: zero-width and bidi marks, soft hyphens, variation selectors. */
const INVISIBLE = String.raw`[\s\p{Z}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]`;
const INVISIBLE_EDGES = new RegExp(`^${INVISIBLE}+|(?<!${INVISIBLE})${INVISIBLE}+$`, 'gu');
const FORMAT = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Removes spaces and invisible characters at the start and the end, which people paste together with an address. */
export function trimInvisible(text: string): string {
  return text.replace(INVISIBLE_EDGES, '');
}

/** Removes invisible characters except spaces. */
export function removeFormat(text: string): string {
  return text.replace(FORMAT, '');
}

/** Replaces line breaks and tabs by spaces, removes other control characters, and trims the text. */
export function toOneLine(text: string): string {
  return text
    .replace(/\r\n?|[\t\n\v\f\u0085\u2028\u2029]/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
}

/** The first `length` characters. Characters are code points, as in the contract (JSON Schema). */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let count = 0; count < length && end < text.length; count++)
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
