import { InvalidRequestError, MalformedJsonError } from '../errors.ts';

const MAX_DEPTH = 64;
/** Much more than any valid message or webhook has. Parsing this number of values takes milliseconds. */
const MAX_VALUES = 100_000;

const [QUOTE, COMMA, BACKSLASH] = ['"', ',', '\\'].map((character) => character.charCodeAt(0)) as [
  number,
  number,
  number,
];
const [OPEN_ARRAY, CLOSE_ARRAY] = ['[', ']'].map((character) => character.charCodeAt(0));
const [OPEN_OBJECT, CLOSE_OBJECT] = ['{', '}'].map((character) => character.charCodeAt(0));

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses the body of a request, which is an object or an array in UTF-8, and counts its values. Checks the limits of nesting
 * and of the number of values before parsing, which bounds the time of all later work on the body.
 *
 * @throws {MalformedJsonError} if the bytes are not UTF-8 or not JSON.
 * @throws {InvalidRequestError} if the body is neither an object nor an array, is nested too deeply, or has too many
 *   values.
 */
export function parseJson(raw: Buffer): { value: object; values: number } {
  if (raw.length === 0) return { value: {}, values: 0 };
  const values = countValues(raw);
  const value = parse(decode(raw));
  if (typeof value !== 'object' || value === null) throw refusal('must be object');
  return { value, values };
}

function decode(raw: Buffer): string {
  try {
    return utf8.decode(raw);
  } catch (cause) {
    throw new MalformedJsonError('The body is not valid UTF-8.', { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MalformedJsonError(undefined, { cause });
  }
}

/** Returns an upper bound of the number of values, which is the number of opening brackets and commas outside strings. */
function countValues(raw: Buffer): number {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at];
    if (byte === QUOTE) at = endOfText(raw, at);
    else if (byte === COMMA) values++;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      values++;
      if (++depth > MAX_DEPTH) throw refusal(`must not be nested more than ${MAX_DEPTH} deep`);
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
    if (values > MAX_VALUES) throw refusal(`must not have more than ${MAX_VALUES} values`);
  }
  return values;
}

/** The position of the quotation mark that ends the string that starts at `start`. */
function endOfText(raw: Buffer, start: number): number {
  // A file in a webhook is one string of up to 50 MB.
  for (let at = raw.indexOf(QUOTE, start + 1); at !== -1; at = raw.indexOf(QUOTE, at + 1)) {
    let escapes = 0;
    while (raw[at - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return raw.length;
}

function refusal(message: string): InvalidRequestError {
  return new InvalidRequestError([{ path: '/body', message }]);
}
