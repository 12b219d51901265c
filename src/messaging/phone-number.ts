import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { removeFormat } from './text.ts';

/** The digits that libphonenumber reads: ASCII, fullwidth, Arabic-Indic and extended Arabic-Indic. */
const DIGIT = /[\uFF10-\uFF19\u0660-\u0669\u06F0-\u06F9]/g;
/** Punctuation as libphonenumber has it, and all spaces and dashes of Unicode. No letters: an extension is not dropped. */
const PUNCTUATION = String.raw`\s\p{Pd}\u2212\u30FC()\[\]（）［］./．／~\u2053\u223C\uFF5E`;
const NUMBER = new RegExp(`^[${PUNCTUATION}]*[+＋]*[${PUNCTUATION}0-9]+$`, 'u');
/** Quotes, brackets, emoji and the like around a number; letters and the marks of service codes are part of what was written. */
const AROUND = /^[^\p{L}\p{N}\p{C}+＋#*]+|[^\p{L}\p{N}\p{C}#*]+$/gu;
/** Longer than any number that people write, so that the pattern runs over little text. */
const MAX_LENGTH = 64;

/** RFC 3966. */
const TEL_URI = /^tel:([^;]*)((?:;[^;]*)*)$/i;
const CONTEXT = /;phone-context=(\+[^;]*)/i;
const EXTENSION = /;ext=/i;

/** The trunk and mobile prefixes that Mexico removed in 2019. People and carriers still write them. */
const OLD_MEXICAN = /^(?:1|01|044|045)(\d{10})$/;

/**
 * The E.164 form of a number as people write or paste it, as Google's libphonenumber reads it. Null where it is no
 * possible number, or has an extension, which a message cannot go to.
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

/** The number of a `tel:` URI, with the country code of its context; any other text as it is. Null with an extension. */
function fromTelUri(input: string): string | null {
  const [, number, parameters = ''] = TEL_URI.exec(input) ?? [];
  if (number === undefined) return input;
  if (EXTENSION.test(parameters)) return null;
  const context = number.includes('+') ? '' : (CONTEXT.exec(parameters)?.[1] ?? '');
  return context + number;
}
