import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { LRUCache } from 'lru-cache';
import parseAddresses from 'nodemailer/lib/addressparser';

export type AddressKind = 'phone' | 'short_code' | 'alphanumeric' | 'email';

/** An address in its one form. */
export interface Address {
  kind: AddressKind;
  /** As a provider is to be given it; of an email the local part keeps its case. */
  wire: string;
  /** As participants are told apart: an email is in lower case as a whole. */
  key: string;
}

const SHORT_CODE = /^\d{3,6}$/;
const PHONE = /^\+?[\d\s().\-/\u00a0]{4,40}$/;
/** GSM 03.38: an alphanumeric sender has up to 11 characters, one of them a letter. */
const ALPHANUMERIC = /^(?=.*[A-Za-z])[A-Za-z0-9 &_-]{1,11}$/;
const MARKDOWN_LINK = /^\[[^\]]*\]\(mailto:([^)\s]+)\)$/i;
/** RFC 5321 sizes; anything finer is for the receiving server to say. */
const EMAIL = /^[^\s@<>()[\],;:\\"]{1,64}@(?=.{1,255}$)[^\s@<>()[\],;:\\"]+$/;

/** Makes the normaliser for numbers without a country code in `region`. It remembers what it has seen lately. */
export function createAddressParser(region: CountryCode): (input: string) => Address | null {
  const seen = new LRUCache<string, Address>({ max: 50_000 });
  return (input) => {
    const known = seen.get(input);
    if (known) return known;
    const address = parseAddress(input, region);
    if (address) seen.set(input, address);
    return address;
  };
}

/**
 * The one form of a written address: phones become E.164, short codes and alphanumeric senders stay as they are,
 * emails are unwrapped from `Name <a@b>` and `[a@b](mailto:a@b)`. Null where it is none of these. The shape of a
 * number is checked, not whether it is in service.
 */
export function parseAddress(input: string, region: CountryCode): Address | null {
  const text = input.trim();
  if (text.includes('@')) return parseEmail(text);
  if (SHORT_CODE.test(text)) return { kind: 'short_code', wire: text, key: text };
  const number = text.replace(/^tel:/i, '');
  if (PHONE.test(number)) return parsePhone(number, region);
  return ALPHANUMERIC.test(text) ? { kind: 'alphanumeric', wire: text, key: text } : null;
}

function parsePhone(text: string, region: CountryCode): Address | null {
  const phone = parsePhoneNumberFromString(text, region);
  return phone?.isPossible() ? { kind: 'phone', wire: phone.number, key: phone.number } : null;
}

function parseEmail(text: string): Address | null {
  const unwrapped = MARKDOWN_LINK.exec(text)?.[1] ?? text;
  const email = unwrapped.includes('<') ? inAngleBrackets(unwrapped) : unwrapped;
  if (email === null || !EMAIL.test(email)) return null;
  const at = email.lastIndexOf('@');
  const wire = email.slice(0, at) + email.slice(at).toLowerCase();
  return { kind: 'email', wire, key: wire.toLowerCase() };
}

function inAngleBrackets(text: string): string | null {
  const [first, ...others] = parseAddresses(text, { flatten: true });
  return others.length === 0 ? (first?.address ?? null) : null;
}
