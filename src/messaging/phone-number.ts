import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { removeFormat } from './text.ts';

/** The digits that libphonenumber reads: ASCII, fullwidth, Arabic-Indic and extended Arabic-Indic. */
const DIGIT = /[\uFF10-\uFF19\u0660-\u0669\u06F0-\u06F9]/g;
/** The punctuation of libphonenumber, and all spaces and dashes of Unicode. Without letters, so that extensions do not match. */
const PUNCTUATION = String.raw`\s\p{Pd}\u2212\u30FC()\[\]（）［］./．／~\u2053\u223C\uFF5E`;
const NUMBER = new RegExp(`^[${PUNCTUATION}]*[+＋]*[${PUNCTUATION}0-9]+$`, 'u');
/** Other characters around a number, such as quotes and emoji, but no letters and no signs of service codes. */
const AROUND = /^[^\p{L}\p{N}\p{C}+＋#*]+|[^\p{L}\p{N}\p{C}#*]+$/gu;
/** More characters than any phone number has. Bounds the time of the pattern. */
const MAX_LENGTH = 64;

/** RFC 3966. */
const TEL_URI = /^tel:([^;]*)((?:;[^;]*)*)$/i;
const CONTEXT = /;phone-context=(\+[^;]*)/i;
const EXTENSION = /;ext=/i;

/** The trunk and mobile prefixes that Mexico removed in 2019. People and carriers still use them. */
const OLD_MEXICAN = /^(?:1|01|044|045)(\d{10})$/;

/**
 * Parses a number as people write or paste it, with Google's libphonenumber, and returns its E.164 form. Returns null if the
 * number is impossible or has an extension, because a message cannot be sent to an extension.
 */
export function parsePhone(input: string, region: CountryCode): string | null {
  const text = toAsciiDigits(removeFormat(fromTelUri(input) ?? '').replace(AROUND, ''));
  if (text.length > MAX_LENGTH || !NUMBER.test(text)) return null;
  const digits = text.replace(/\D/g, '');
  const phone = parsePhoneNumberFromString(/[+＋]/.test(text) ? `+${digits}` : digits, region);
  if (!phone || phone.ext !== undefined) return null;
  const mexican = phone.countryCallingCode === '52' && OLD_MEXICAN.exec(phone.nationalNumber)?.[1];
  if (mexican) return `+52${mexican}`;
  return phone.isPossible() ? phone.number : null;
}

export function toAsciiDigits(text: string): string {
  return text.replace(DIGIT, (digit) => String(digit.charCodeAt(0) & 0xf));
}

/** The number of a `tel:` URI, with the country code of its context, or null if it has an extension; other texts unchanged. */
function fromTelUri(input: string): string | null {
  const [, number, parameters = ''] = TEL_URI.exec(input) ?? [];
  if (number === undefined) return input;
  if (EXTENSION.test(parameters)) return null;
  const context = number.includes('+') ? '' : (CONTEXT.exec(parameters)?.[1] ?? '');
  return context + number;
}
