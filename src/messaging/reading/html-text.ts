/** A tag without attributes or with a value of an attribute. `<ada@example.com>` and `x<y and z>w` are text. */
const TAG = /<(?:\/?[a-z][a-z0-9:-]*(?:[ \t\r\n][^<>=]*=[^<>]*|[ \t\r\n]*\/?)|!(?:--|\[|doctype )[^<>]*)>/gi;

/** The combining character of each accent in the name of a letter, such as `&eacute;`. */
const ACCENTS = new Map(
  Object.entries({
    acute: '\u0301',
    grave: '\u0300',
    circ: '\u0302',
    uml: '\u0308',
    tilde: '\u0303',
    cedil: '\u0327',
    ring: '\u030a',
    caron: '\u030c',
    slash: '\u0338',
  }),
);
const LETTERS = new Map(Object.entries({ aelig: 'æ', oelig: 'œ' }));
const SYMBOLS = new Map(
  Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: '\u00a0',
    lsquo: '‘',
    rsquo: '’',
    ldquo: '“',
    rdquo: '”',
    laquo: '«',
    raquo: '»',
    ndash: '–',
    mdash: '—',
    hellip: '…',
    bull: '•',
    middot: '·',
    euro: '€',
    pound: '£',
    copy: '©',
    reg: '®',
  }),
);
/** Names in lower case only. */
const EXACT = new Map(Object.entries({ szlig: 'ß', shy: '\u00ad', zwj: '\u200d', zwnj: '\u200c' }));
const REFERENCE = /&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]+));/g;

/**
 * The text of an email without HTML tags, and with the characters that common character references name, as
 * `message_words` in SQL.
 */
export function htmlText(html: string): string {
  return html.replace(TAG, ' ').replace(REFERENCE, (reference, decimal, hexadecimal, name) => {
    if (name !== undefined) return characterNamed(name) ?? reference;
    const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : reference;
  });
}

function characterNamed(name: string): string | undefined {
  const lower = name.toLowerCase();
  const accent = ACCENTS.get(lower.slice(1));
  if (accent !== undefined) return `${name[0]}${accent}`.normalize('NFC');
  const letter = LETTERS.get(lower);
  if (letter !== undefined) return name.startsWith(lower.slice(0, 1)) ? letter : letter.toUpperCase();
  return SYMBOLS.get(lower) ?? EXACT.get(name);
}
