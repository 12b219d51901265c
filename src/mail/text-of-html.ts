import { compile } from 'html-to-text';

/** Max characters and tags of HTML that are converted: the process does nothing else meanwhile. */
const MAX_HTML = 262_144;
const MAX_TAGS = 8_192;
/** Max elements around a text; the conversion is recursive. */
const MAX_DEPTH = 100;
/** In place of the text that is left out. */
const ELLIPSIS = '…';

/** The content of a file that is embedded in HTML by a `data:` URL follows this text. */
const EMBEDDED = ';base64,';
const MAX_EMBEDDED = 1_000;
const NOT_BASE64 = /[^A-Za-z0-9+/=]/g;
/** Web addresses, numbers, and email addresses, whose `mailto:` is removed already. */
const READABLE_LINK = /^(?:https?|mailto|tel|sms|ftps?):|^[^\s:/]+@/i;

const toText = compile({
  baseElements: { selectors: [] },
  limits: { maxDepth: MAX_DEPTH, ellipsis: ELLIPSIS },
  // Mail programs wrap the lines themselves, as wide as their window is.
  wordwrap: false,
  selectors: [
    {
      selector: 'a',
      options: {
        hideLinkHrefIfSameAsText: true,
        linkBrackets: ['<', '>'],
        // An empty link is left out.
        pathRewrite: (path: string) => (READABLE_LINK.test(path) ? path : ''),
      },
    },
    { selector: 'img', format: 'skip' },
    { selector: 'head', format: 'skip' },
    { selector: 'title', format: 'skip' },
    { selector: 'tr', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'td', format: 'inlineSurround', options: { suffix: ' ' } },
    { selector: 'th', format: 'inlineSurround', options: { suffix: ' ' } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'hr', options: { length: 40 } },
  ],
});

/**
 * The text of HTML, for mail programs that show no HTML: links follow their texts in angle brackets, and images are left out. The
 * same HTML always has the same text. The text of HTML that exceeds the limits ends with an ellipsis.
 */
export function textOfHtml(html: string): string {
  const own = withoutEmbedded(html);
  const end = Math.min(MAX_HTML, endOfTags(own));
  const text = toText(own.slice(0, end)).split('\n').map(trimLine).join('\n').replace(/^\n+/, '').trimEnd();
  return end < own.length ? `${text}\n${ELLIPSIS}`.trim() : text;
}

/** A cell of a table ends with a space. */
function trimLine(line: string): string {
  return line.endsWith(' ') ? line.trimEnd() : line;
}

function withoutEmbedded(html: string): string {
  const parts: string[] = [];
  let start = 0;
  while (parts.length < MAX_EMBEDDED) {
    const at = html.indexOf(EMBEDDED, start);
    if (at === -1) break;
    NOT_BASE64.lastIndex = at + EMBEDDED.length;
    const end = NOT_BASE64.exec(html)?.index ?? html.length;
    parts.push(html.slice(start, at));
    start = end;
  }
  return parts.length === 0 ? html : `${parts.join('')}${html.slice(start)}`;
}

/** The position before the first tag that exceeds `MAX_TAGS`. */
function endOfTags(html: string): number {
  let at = -1;
  for (let count = 0; count <= MAX_TAGS; count++) {
    at = html.indexOf('<', at + 1);
    if (at === -1) return html.length;
  }
  return at;
}
