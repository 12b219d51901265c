/** Spaces, and format characters that nobody sees: zero-width and bidi marks, soft hyphens, variation selectors. */
const INVISIBLE = String.raw`[\s\p{Z}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]`;
const INVISIBLE_EDGES = new RegExp(`^${INVISIBLE}+|(?<!${INVISIBLE})${INVISIBLE}+$`, 'gu');
const FORMAT = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** Takes off what people paste along with an address: spaces and invisible characters around it. */
export function trimInvisible(text: string): string {
  return text.replace(INVISIBLE_EDGES, '');
}

/** Takes out invisible characters that are no spaces. */
export function removeFormat(text: string): string {
  return text.replace(FORMAT, '');
}

/** Makes one line without control characters: a line break or tab becomes a space, other control characters go. */
export function toOneLine(text: string): string {
  return text
    .replace(/\r\n?|[\t\n\v\f\u0085\u2028\u2029]/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
}

/** The first `length` characters, counted as the contract counts them: in code points. */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let count = 0; count < length && end < text.length; count++)
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
