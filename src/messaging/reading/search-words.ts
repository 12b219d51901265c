import { InvalidRequestError } from '../../errors.ts';
import type { AddressParser } from '../address.ts';

/** A parsed search. A message matches if it matches one of the alternatives. */
export interface Search {
  alternatives: Alternative[];
  /** The words to mark in a match. */
  words: ReadonlySet<string>;
}

/** Phrases, each of one or more normalized words between single spaces. */
export interface Alternative {
  required: string[];
  excluded: string[];
}

/** Accents, vowel signs of Hebrew and Arabic, and invisible characters. The same characters as in the migration. */
const IGNORED = String.raw`\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\u{e0000}-\u{e0fff}`;
const IGNORED_CHARACTERS = new RegExp(`[${IGNORED}]`, 'gu');
/** Symbols that contain letters, digits or marks, such as ™ and ℃. */
const SYMBOLS = String.raw`\u20a8\u2100-\u214f\u2460-\u24ff\u2e80-\u2fdf\u309b\u309c\u3190-\u319f\u3200-\u33ff\ufdfc\u{1cc00}-\u{1ccff}\u{1d100}-\u{1d1ff}\u{1f100}-\u{1f2ff}`;
/** Letters without a decomposition, in lower case. */
const LETTERS: Record<string, string> = {
  ς: 'σ',
  đ: 'd',
  ł: 'l',
  ø: 'o',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
};
const SPECIAL_LETTERS = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');

const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** A part of a text that has the same words as in the whole text. */
export const TOKEN = new RegExp(String.raw`[\p{L}\p{N}\p{M}${IGNORED}${SYMBOLS}]+`, 'gu');
/** `"a phrase"` or a word, each with an optional `-`. */
const TERM = /(-?)"([^"]*)"?|(-?)(\S+)/g;

/** The words of a text in lower case and without accents, as `message_words` in SQL. */
export function wordsOf(text: string): string[] {
  const folded = text
    .normalize('NFKD')
    .replace(IGNORED_CHARACTERS, '')
    .toLowerCase()
    .replace(SPECIAL_LETTERS, (letter) => LETTERS[letter] as string);
  return folded.match(WORD) ?? [];
}

/**
 * Parses the text of a search. A term with punctuation, such as `order-1234`, is a phrase of its words. An address also
 * matches its normalized form.
 *
 * @throws {InvalidRequestError} if the search has no word.
 */
export function readSearch(parse: AddressParser, q: string): Search {
  const phrasesOf = (text: string) => [wordsOf(text).join(' ')].filter((phrase) => phrase !== '');
  const addressesOf = (text: string) => {
    const address = parse(text);
    return address?.type === 'phone' || address?.type === 'email' ? phrasesOf(address.key) : [];
  };
  const alternatives: Alternative[] = [];
  const addAlternative = (required: string[] = []) => {
    const alternative: Alternative = { required, excluded: [] };
    alternatives.push(alternative);
    return alternative;
  };
  let { required, excluded } = addAlternative();
  for (const [, phraseSign, phrase, wordSign, word = ''] of q.matchAll(TERM)) {
    const text = phrase ?? word;
    if (wordSign === '' && word.toLowerCase() === 'or') ({ required, excluded } = addAlternative());
    else if ((phraseSign ?? wordSign) === '-') excluded.push(...phrasesOf(text), ...addressesOf(text));
    else required.push(...phrasesOf(text));
  }
  // `-ada@example.com` excludes this address, although an address can start with a hyphen.
  if (alternatives.every(({ excluded }) => excluded.length === 0)) addAlternative(addressesOf(q));
  const complete = alternatives.filter((one) => one.required.length + one.excluded.length > 0);
  if (complete.length === 0)
    throw new InvalidRequestError([{ path: '/query/q', message: 'must have a word to search for' }]);
  return {
    alternatives: complete,
    words: new Set(complete.flatMap((one) => one.required).flatMap((phrase) => phrase.split(' '))),
  };
}
