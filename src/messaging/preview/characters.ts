import smartEncoding from 'sms-segments-calculator/dist/libs/SmartEncodingMap.js';
import type { Schema } from '../../openapi/types.ts';
import { isGsm, type TextMeasure } from '../segments.ts';

type NonGsmCharacter = Schema<'NonGsmCharacter'>;

/** Max characters that a preview lists, and max positions of each. */
const MAX_CHARACTERS = 100;
const MAX_POSITIONS = 10;

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Letters that Unicode does not decompose. */
const LETTERS: Record<string, string> = {
  ...{ œ: 'oe', Œ: 'OE', ł: 'l', Ł: 'L', đ: 'd', Đ: 'D', ð: 'd', Ð: 'D', þ: 'th', Þ: 'Th', ı: 'i' },
  ...{ ħ: 'h', Ħ: 'H', ŧ: 't', Ŧ: 'T', ŋ: 'ng', Ŋ: 'NG', ĸ: 'k', ƒ: 'f', ẞ: 'ß', '×': 'x', '−': '-' },
};

/** The characters of a text that GSM-7 does not have, in the order of their first positions, and the text with replacements. */
export function nonGsmCharacters(
  text: string,
  encoding: TextMeasure['encoding'],
): { characters: NonGsmCharacter[]; replaced: string } {
  if (encoding === 'GSM-7') return { characters: [], replaced: text };
  const found = new Map<string, NonGsmCharacter>();
  const replacements = new Map<string, string | null>();
  let replaced = '';
  let position = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (isGsm(segment)) replaced += segment;
    else {
      if (!replacements.has(segment)) replacements.set(segment, replacementOf(segment));
      const replacement = replacements.get(segment) ?? null;
      replaced += replacement ?? segment;
      count(found, segment, replacement, position);
    }
    position += [...segment].length;
  }
  return { characters: [...found.values()], replaced };
}

function count(
  found: Map<string, NonGsmCharacter>,
  character: string,
  replacement: string | null,
  position: number,
): void {
  const known = found.get(character);
  if (known) {
    known.count++;
    if (known.positions.length < MAX_POSITIONS) known.positions.push(position);
  } else if (found.size < MAX_CHARACTERS) {
    const code_points = [...character].map(
      (point) => `U+${(point.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`,
    );
    found.set(character, { character, code_points, count: 1, positions: [position], replacement });
  }
}

/**
 * A text of GSM-7 that reads like a character, or null if there is none: a letter without its accent, a plain quote, dash or
 * space, and the replacements of Twilio's Smart Encoding, which the library has. Invisible characters become empty.
 */
export function replacementOf(character: string): string | null {
  const composed = character.normalize('NFC');
  if (isGsm(composed)) return composed;
  let text = '';
  for (const point of composed) {
    const replacement = replacePoint(point) ?? replaceParts(point);
    if (replacement === null) return null;
    text += replacement;
  }
  return text;
}

/** Null if a code point has parts (NFKD) that cannot be replaced, or is its only part. */
function replaceParts(point: string): string | null {
  const parts = point.normalize('NFKD');
  if (parts === point) return null;
  const replaced = Array.from(parts, replacePoint);
  return replaced.includes(null) ? null : replaced.join('');
}

function replacePoint(point: string): string | null {
  if (isGsm(point)) return point;
  if (LETTERS[point] !== undefined) return LETTERS[point];
  if (/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(point)) return '';
  if (/[\p{Z}\t\v\u0085]/u.test(point)) return ' ';
  if (/\p{Cc}/u.test(point)) return '';
  if (/\p{Pd}/u.test(point)) return '-';
  return smartEncoding.default[point] ?? null;
}
