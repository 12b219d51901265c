import escapeHtml from 'escape-html';
import type { Schema } from '../../openapi/types.ts';
import { fold, type Search, WORD } from './search-words.ts';

/** The number of words of an excerpt, and of words before the first match. */
const EXCERPT_WORDS = 35;
const WORDS_BEFORE = 10;
/** The number of characters of a body that a search covers, as in `message_document` in SQL. */
const SEARCHED_LENGTH = 100_000;
const TAG = /<[/!?a-z][^<>]*>/gi;

/** The subject, and the part of the body around a match, as HTML with `<mark>` around each match. */
export function highlight(
  { subject, body }: { subject: string | null; body: string },
  { words }: Search,
): Schema<'Highlight'> {
  return {
    ...(subject !== null && { subject: mark(subject, words) }),
    body: mark(excerpt(body, words), words),
  };
}

/** The part around the word whose first occurrence is last, because this word is probably the rarest. */
function excerpt(body: string, words: Search['words']): string {
  const text = body.slice(0, SEARCHED_LENGTH).replace(TAG, ' ');
  const starts: number[] = [];
  const missing = new Set(words);
  let match = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (missing.size === 0 && starts.length > match + EXCERPT_WORDS) break;
    if (missing.size > 0 && missing.delete(fold(word))) match = starts.length;
    starts.push(index);
  }
  const first = Math.max(0, match - WORDS_BEFORE);
  return text.slice(first === 0 ? 0 : starts[first], starts[first + EXCERPT_WORDS]).trim();
}

function mark(text: string, words: Search['words']): string {
  let marked = '';
  let end = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!words.has(fold(word))) continue;
    marked += `${escapeHtml(text.slice(end, index))}<mark>${escapeHtml(word)}</mark>`;
    end = index + word.length;
  }
  return marked + escapeHtml(text.slice(end));
}
