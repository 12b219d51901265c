import { InvalidRequestError } from '../../errors.ts';
import type { AddressParser } from '../address.ts';

/** A parsed search. */
export interface Search {
  /** The search for `websearch_to_tsquery`, which contains normalised words only. */
  query: string;
  /** The words to mark in a match. */
  words: ReadonlySet<string>;
}

/** A word of letters, digits and combining marks. */
export const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** `"a phrase"` or a word, each with an optional `-`. */
const TERM = /(-?)"([^"]*)"?|(-?)(\S+)/g;

/** Normalises text for comparison: without accents and in lower case, as `message_document` in SQL does. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
}

function wordsOf(text: string): string[] {
  return fold(text).match(WORD) ?? [];
}

/**
 * Parses the text of a search. A term with punctuation, such as `order-1234`, is a phrase of its words. An address also
 * matches its normalised form.
 *
 * @throws {InvalidRequestError} if the search has no word.
 */
export function readSearch(parse: AddressParser, q: string): Search {
  const terms: string[] = [];
  const words = new Set<string>();
  for (const [, phraseSign, phrase, wordSign, word = ''] of q.matchAll(TERM)) {
    if (word.toLowerCase() === 'or' && wordSign === '') {
      terms.push('or');
      continue;
    }
    const own = wordsOf(phrase ?? word);
    if (own.length === 0) continue;
    const isExcluded = (phraseSign ?? wordSign) === '-';
    terms.push(`${isExcluded ? '-' : ''}"${own.join(' ')}"`);
    if (!isExcluded) for (const each of own) words.add(each);
  }
  const address = parse(q);
  if (address?.type === 'phone' || address?.type === 'email') {
    const own = wordsOf(address.key);
    terms.push('or', `"${own.join(' ')}"`);
    for (const each of own) words.add(each);
  }
  if (terms.every((term) => term === 'or'))
    throw new InvalidRequestError([{ path: '/query/q', message: 'must have a word to search for' }]);
  return { query: terms.join(' '), words };
}
