import type { Fault } from '../../errors.ts';
import { safeHeaderText } from '../../mail/header-text.ts';
import { isHtml } from '../../mail/is-html.ts';
import type { Schema } from '../../openapi/types.ts';

/** The text of an email: `body` is the HTML where there is one, and `text` the plain text beside it. */
export interface EmailContent {
  body: string;
  isHtml: boolean;
  /** Null if there is no HTML, or no text beside it. */
  text: string | null;
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

/** The subject of an email that answers another email, in at most 998 characters, safe for a header also if the other one is not. */
export function subjectOfReply(subject: string | null): string | null {
  if (subject === null) return null;
  const safe = safeHeaderText(subject);
  const reply = /^\s*re\s*:/i.test(safe) ? safe : `Re: ${safe}`;
  return [...reply].slice(0, 998).join('');
}
