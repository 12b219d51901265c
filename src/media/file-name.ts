import { hasEncodedWord } from '../mail/header-text.ts';

const MAX_LENGTH = 255;
/** Control characters, line separators, and characters that change the direction of the text, which can hide the extension. */
const UNWANTED = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A name of a file from outside, without its path and in one line, as `FileName` of the contract; null if nothing is left. */
export function fileNameOf(text: unknown): string | null {
  if (typeof text !== 'string') return null;
  const [last = ''] = text.toWellFormed().split(/[/\\]/).slice(-1);
  const name = last
    .replace(UNWANTED, '')
    .trim()
    .slice(0, MAX_LENGTH)
    .replace(/[\ud800-\udbff]$/, '')
    .trim();
  return /^\.*$/.test(name) ? null : name;
}

/** The name of a file as it is sent. Readers would decode an encoded word, also if it was written as a name. */
export function sentFileName(name: string | null): string | null {
  const safe = fileNameOf(name);
  return safe !== null && hasEncodedWord(safe) ? safe.replaceAll('?', '_') : safe;
}
