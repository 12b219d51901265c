import type { KeywordAction, Keywords } from '../config/keywords.ts';

/** A keyword that is the whole text of a message. */
export interface Keyword {
  action: KeywordAction;
  /** The reply in the language of the keyword; null for none. */
  reply: string | null;
}

/** Finds the keyword that is the whole text; null for any other text. */
export type KeywordMatcher = (text: string) => Keyword | null;

/** Max UTF-16 units of a keyword, and of a text whose other characters were shortened, which bounds the work for each message. */
export const MAX_KEYWORD_LENGTH = 100;
/** Max UTF-16 units of a text that can be a keyword: providers pass on at most 1,600 characters. */
export const MAX_TEXT_LENGTH = 3_200;

/**
 * Always requests to stop, whatever the configured keywords are: the words that carriers and US law name.
 * Sources: https://www.ctia.org/the-wireless-industry/industry-commitments/messaging-interoperability-sms-mms;
 * 47 CFR 64.1200(a)(10) (https://www.ecfr.gov/current/title-47/section-64.1200).
 */
const STOP_WORDS = [
  ...['STOP', 'STOP ALL', 'STOPALL', 'UNSUBSCRIBE', 'END', 'QUIT', 'CANCEL', 'REVOKE', 'OPT OUT', 'OPTOUT'],
];
export const ACTIONS = ['stop', 'start', 'help'] as const;

/** Accents and marks of emoji, but not the vowel signs that belong to the letters of a script. */
const ACCENTS = /[\p{Script=Inherited}--\p{White_Space}]/gv;
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** Several characters between or around words. */
const OTHERS = /[\p{P}\p{S}\p{Z}\p{Cc}\p{Variation_Selector}]{2,}/gu;
const NO_WORD = /[^\p{L}\p{N}\p{M}]+/gu;

/**
 * The form in which texts and keywords are compared: without case, accents, and invisible characters, compatible characters
 * such as full-width letters as usual ones, and one space for anything between words.
 */
export function normaliseKeyword(text: string): string {
  // Upper case also unites ß with ss, and the dotless ı with i; lower case unites the two forms of the Greek sigma.
  const folded = decompose(text).toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  return decompose(folded).replace(NO_WORD, ' ').trim();
}

function decompose(text: string): string {
  return text.normalize('NFKD').replace(INVISIBLE, '').replace(ACCENTS, '');
}

/** @throws {Error} if one keyword has two actions. */
export function createKeywordMatcher(languages: Keywords): KeywordMatcher {
  const keywords = new Map<string, Keyword>();
  const add = (words: readonly string[], keyword: Keyword) => {
    for (const word of words) {
      const key = normaliseKeyword(word);
      const known = keywords.get(key);
      if (known && known.action !== keyword.action)
        throw new Error(`"${word}" is a keyword for ${known.action} and for ${keyword.action}`);
      if (!known) keywords.set(key, keyword);
    }
  };
  for (const { replies, ...words } of Object.values(languages))
    for (const action of ACTIONS) add(words[action], { action, reply: replies[action] });
  const first = languages.en ?? Object.values(languages)[0];
  add(STOP_WORDS, { action: 'stop', reply: first?.replies.stop ?? null });
  return (text) => {
    if (text.length > MAX_TEXT_LENGTH) return null;
    // An angry STOP can have a hundred exclamation marks.
    const short = text.length > MAX_KEYWORD_LENGTH ? text.replace(OTHERS, ' ') : text;
    return short.length > MAX_KEYWORD_LENGTH ? null : (keywords.get(normaliseKeyword(short)) ?? null);
  };
}
