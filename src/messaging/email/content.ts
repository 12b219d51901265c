import type { Fault } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';

/** The text of an email: `body` is the HTML where there is one, and `text` the plain text beside it. */
export interface EmailContent {
  body: string;
  isHtml: boolean;
  /** Null if there is no HTML, or no text beside it. */
  text: string | null;
}

/** The elements of HTML, without those that are obsolete for decades. A tag of another name, such as `<ada>`, is text. */
const ELEMENTS = [
  'a abbr acronym address area article aside audio b base bdi bdo big blockquote body br button canvas caption center cite code',
  'col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame',
  'frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark menu meta',
  'meter nav noframes noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search',
  'section select slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead',
  'time title tr track tt u ul var video wbr',
].join(' ');
const TAG = new RegExp(
  String.raw`<(?:/?(?:${ELEMENTS.replaceAll(' ', '|')})(?:\s[^<>]*)?/?|!doctype\s[^<>]*|!--[^<>]*)>`,
  'i',
);

/** Whether a text has an HTML tag. */
export function isHtml(text: string): boolean {
  return TAG.test(text);
}

const PARTS = ['text', 'html'] as const;

/** The text of an email from a request, of which one of `body`, `text` and `html` is required, and `body` excludes the others. */
export function readEmailContent(
  { body, text, html }: Pick<Schema<'UntypedMessage'>, 'body' | 'text' | 'html'>,
  faults: Fault[],
): EmailContent {
  if (body !== undefined) {
    for (const part of PARTS.filter((name) => ({ text, html })[name] !== undefined))
      faults.push({ path: `/body/${part}`, message: 'must not be beside body' });
    return { body, isHtml: isHtml(body), text: null };
  }
  if (text === undefined && html === undefined)
    faults.push({ path: '/body/body', message: 'is required: an email has a body, a text or an html' });
  return html === undefined
    ? { body: text ?? '', isHtml: false, text: null }
    : { body: html, isHtml: true, text: text ?? null };
}

/** The subject of an email that answers another email, in at most 998 characters. */
export function subjectOfReply(subject: string | null): string | null {
  if (subject === null || /^\s*re\s*:/i.test(subject)) return subject;
  return [...`Re: ${subject}`].slice(0, 998).join('');
}
