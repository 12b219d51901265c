import { isHtml } from '../../mail/is-html.ts';
import type { Schema } from '../../openapi/types.ts';
import { htmlText } from '../reading/html-text.ts';

/** Max characters of a preview. */
const MAX_LENGTH = 120;
/** The characters at the beginning in which a preview is: of a text, of HTML, which can begin with styles, and of HTML without these. */
const TEXT_START = 1_000;
const HTML_START = 8_192;
const SHOWN_START = 4_096;

/** SQL: the beginning of a text column; null if it is blank. Large texts are stored in slices, of which this reads the first. */
const startOf = (column: string) => `nullif(btrim(left(${column}, ${TEXT_START}), E' \\t\\r\\n'), '')`;
const READ_TEXT = `coalesce(${startOf('stripped_text')}, ${startOf('text')})`;

/** SQL: the columns of `MessageStart`, of a row with `body` and the columns of `emails`. */
export const MESSAGE_START = `is_html, ${READ_TEXT} as text_start,
  case when ${READ_TEXT} is null then left(body, ${HTML_START}) end as body_start`;

/** The beginning of a message, from which its preview is made. */
export interface MessageStart {
  type: Schema<'MessageType'>;
  /** Null for a text message, and for an email without a row in `emails`. */
  is_html: boolean | null;
  /** Of `stripped_text`, or else of `text`. */
  text_start: string | null;
  /** Null if there is a `text_start`. */
  body_start: string | null;
}

/** The first characters of what a reader of the message sees, in one line. */
export function previewOf({ type, is_html, text_start, body_start }: MessageStart): string {
  const body = body_start ?? '';
  const isOfHtml = type === 'email' && (is_html ?? isHtml(body));
  const text = text_start ?? (isOfHtml ? visibleText(body) : body);
  const line = text.replace(/\s+/g, ' ').trim();
  return [...line.slice(0, 2 * MAX_LENGTH)].slice(0, MAX_LENGTH).join('');
}

/** The parts of HTML that are not shown. A part whose end is missing continues to the end. */
const HIDDEN = /<(head|style|script|title)(?=[\s>]).*?(?:<\/\1[^<>]*>?|$)|<!--.*?(?:-->|$)/gis;
/** The tags that can be within a word. Any other tag separates words. */
const INLINE_TAG =
  /<\/?(?:a|abbr|b|big|code|em|font|i|mark|s|small|span|strong|sub|sup|u)(?=[\s>/])[^<>]*>/gi;
/** A tag or a character that a limit has cut. */
const CUT = /<[^<>]*$|[\ud800-\udbff]$/;

function visibleText(html: string): string {
  const shown = html.replace(HIDDEN, ' ');
  const isCut = html.length >= HTML_START || shown.length > SHOWN_START;
  const start = isCut ? shown.slice(0, SHOWN_START).replace(CUT, '') : shown;
  return htmlText(start.replace(INLINE_TAG, ''));
}
