import escapeHtml from 'escape-html';
import type { Message } from '../../db/models/message.ts';
import type { Schema } from '../../openapi/types.ts';
import { truncate } from '../text.ts';
import { htmlText } from './html-text.ts';
import { type Search, TOKEN, wordsOf } from './search-words.ts';

/** The number of words of an excerpt, and of words before the first match. */
const EXCERPT_WORDS = 35;
const WORDS_BEFORE = 10;
/** The number of characters of a body that a search covers, as in `message_words` in SQL. */
const SEARCHED_LENGTH = 100_000;

/** The subject, and the part of the body around a match, as HTML with `<mark>` around each match. */
export function highlight(
  { type, subject, body }: Pick<Message, 'type' | 'subject' | 'body'>,
  { words }: Search,
): Schema<'Highlight'> {
  const searched = truncate(body, SEARCHED_LENGTH);
  const text = type === 'email' ? htmlText(searched) : searched;
  return {
    ...(subject !== null && { subject: mark(subject, words) }),
    body: mark(excerpt(text, words), words),
  };
}

/** The part around the word whose first occurrence is last, because this word is probably the rarest. */
function excerpt(text: string, words: Search['words']): string {
  const starts: number[] = [];
  const missing = new Set(words);
  let match = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (missing.size === 0 && starts.length > match + EXCERPT_WORDS) break;
    if (missing.size > 0) for (const word of wordsOf(token)) if (missing.delete(word)) match = starts.length;
    starts.push(index);
  }
  const first = Math.max(0, match - WORDS_BEFORE);
  return text.slice(first === 0 ? 0 : starts[first], starts[first + EXCERPT_WORDS]).trim();
}

function mark(text: string, words: Search['words']): string {
  let marked = '';
  let end = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (!wordsOf(token).some((word) => words.has(word))) continue;
    marked += `${escapeHtml(text.slice(end, index))}<mark>${escapeHtml(token)}</mark>`;
    end = index + token.length;
  }
  return marked + escapeHtml(text.slice(end));
}
