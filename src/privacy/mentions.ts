import { setImmediate } from 'node:timers/promises';
import { domainToUnicode } from 'node:url';

/** Whether a body, as it was received, names one of the addresses. */
export type Mentions = (body: Buffer | string) => boolean;

/** Encodings within each other: an email in base64 in JSON, with a part in base64. */
const MAX_DEPTH = 4;
/** Shorter runs of base64 contain no address. */
const BASE64_RUN = /[A-Za-z0-9+/_\r\n-]{8,}/g;
/** The bytes that are searched at once, which takes a few milliseconds. */
const WINDOW = 65_536;
/** The end of a window that is searched again with the next window. */
const OVERLAP = 4_096;

/**
 * Finds normalised addresses in the raw bodies of webhooks and emails: also percent-encoded, escaped in JSON, in quoted-printable
 * and in base64. Phone numbers match with and without `+` and separators, North American numbers also without the country code.
 * Email addresses match in any case. Short codes and names match as whole values of JSON or of a form only, because their
 * characters are common in texts.
 */
export function createMentions(addresses: readonly string[]): Mentions {
  const patterns = addresses.map((address) => toPattern(Buffer.from(address).toString('latin1')));
  return (body) =>
    isIn(patterns, typeof body === 'string' ? Buffer.from(body).toString('latin1') : latin1(body));
}

/** Searches a large body without delaying other requests, with one of its parts in memory. */
export async function isMentionedIn(
  parts: AsyncIterable<Buffer> | Iterable<Buffer>,
  mentions: Mentions,
): Promise<boolean> {
  let end = Buffer.alloc(0);
  for await (const part of parts) {
    for (let at = 0; at < part.length; at += WINDOW) {
      const window = Buffer.concat([end, part.subarray(at, at + WINDOW)]);
      if (mentions(window)) return true;
      end = window.subarray(-OVERLAP);
      await setImmediate();
    }
  }
  return false;
}

/** A plain text, such as the detail of an error, with a replacement for each mention of an address. */
export function replaceMentions(text: string, address: string, replacement: string): string {
  return text.replace(toPattern(address).expression, () => replacement);
}

/** An email address with its domain in Unicode; null if that is the same. */
export function unicodeSpelling(address: string): string | null {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  const unicode = at > 0 ? domainToUnicode(domain) || domain : domain;
  return unicode === domain ? null : address.slice(0, at) + unicode;
}

function latin1(body: Buffer): string {
  return body.toString('latin1');
}

interface Pattern {
  expression: RegExp;
  /** A part of each match, in lower case and without separators, which is found much faster than the expression. */
  core: string;
}

function toPattern(address: string): Pattern {
  const expression = new RegExp(alternativesOf(address).join('|'), 'gi');
  const at = address.lastIndexOf('@');
  const core = isPhone(address)
    ? nationalDigits(address.slice(1))
    : address.slice(0, at < 0 ? undefined : at);
  return { expression, core: withoutSeparators(core.toLowerCase()) };
}

function isPhone(address: string): boolean {
  return /^\+\d+$/.test(address);
}

/** The digits without the country code of North America. */
function nationalDigits(digits: string): string {
  return digits.length === 11 && digits.startsWith('1') ? digits.slice(1) : digits;
}

function withoutSeparators(text: string): string {
  return text.replaceAll(/[ .()/-]/g, '');
}

function alternativesOf(address: string): string[] {
  if (isPhone(address)) return [phonePattern(address.slice(1))];
  const at = address.lastIndexOf('@');
  if (at < 0) return [`(?<=["=>])${escaped(address)}(?=["&<]|$)`];
  const domain = address.slice(at + 1);
  const unicode = Buffer.from(domainToUnicode(domain) || domain).toString('latin1');
  return [...new Set([domain, unicode])].flatMap((one) => emailPatterns(address.slice(0, at), one));
}

function phonePattern(digits: string): string {
  const separated = (text: string) => [...text].join(String.raw`[ .()\/-]{0,2}`);
  const national = nationalDigits(digits);
  const number =
    national === digits ? separated(digits) : String.raw`(?:1[ .()\/-]{0,2})?\(?${separated(national)}`;
  return String.raw`(?:\+|%2B)?(?<!\d)${number}(?!\d)`;
}

/** The address, and its form in the return paths of bounces (VERP): `bounces+ada=example.com@…`. */
function emailPatterns(local: string, domain: string): string[] {
  const end = String.raw`${escaped(domain)}(?![a-z0-9-]|\.[a-z0-9])`;
  return [
    String.raw`(?<![\w.+-])${escaped(local)}(?:@|%40|\\u0040)${end}`,
    String.raw`(?<![\w.-])${escaped(local)}=${end}`,
  ];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}

function isIn(patterns: Pattern[], text: string, depth = MAX_DEPTH): boolean {
  return readingsOf(text).some(
    (reading) => isNamed(patterns, reading) || isInBase64(patterns, reading, depth),
  );
}

function isNamed(patterns: Pattern[], text: string): boolean {
  const joined = withoutSeparators(text.toLowerCase());
  return patterns.some(({ expression, core }) => joined.includes(core) && text.search(expression) >= 0);
}

function isInBase64(patterns: Pattern[], text: string, depth: number): boolean {
  if (depth === 0) return false;
  for (const [run] of text.matchAll(BASE64_RUN)) {
    // A blank line separates the headers of a part from its content.
    for (const block of run.split(/(?:\r?\n){2,}/)) {
      const characters = block.replaceAll(/[\r\n]/g, '');
      if (characters.length < 8) continue;
      // A run can start within a group of four characters, after other text or at the start of a part.
      for (let start = 0; start < 4; start++) {
        const decoded = latin1(Buffer.from(characters.slice(start), 'base64'));
        if (isIn(patterns, decoded, depth - 1)) return true;
      }
    }
  }
  return false;
}

/** The text as it is, without escapes of JSON and percent-encoding, and each of these without quoted-printable. */
function readingsOf(text: string): string[] {
  const readings = [text];
  for (let i = 0; i < 2; i++) {
    const decoded = withoutEscapes(readings.at(-1) as string);
    if (decoded !== readings.at(-1)) readings.push(decoded);
  }
  const printable = readings.filter((reading) => reading.includes('=')).map(decodeQuotedPrintable);
  return [...new Set([...readings, ...printable])];
}

const ESCAPES = /%([0-9a-f]{2})|((?:\\u[0-9a-f]{4})+)|\\([nrt"\\/])/gi;
const CONTROLS: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

function withoutEscapes(text: string): string {
  // The body of a form has no spaces; a plus sign stands for a space.
  const spaced = /[\s{<]/.test(text) ? text : text.replaceAll('+', ' ');
  return spaced.replace(ESCAPES, (_, hex?: string, units?: string, control?: string) => {
    if (hex !== undefined) return fromHex(hex);
    if (units === undefined) return CONTROLS[control as string] ?? (control as string);
    return latin1(Buffer.from(JSON.parse(`"${units}"`) as string));
  });
}

function decodeQuotedPrintable(text: string): string {
  return text
    .replaceAll(/=[ \t]*\r?\n/g, '')
    .replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => fromHex(hex));
}

function fromHex(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
