import type { CountryCode } from 'libphonenumber-js/min';
import { LRUCache } from 'lru-cache';
import { parseMailbox } from './email-address.ts';
import { parsePhone, toAsciiDigits } from './phone-number.ts';
import { trimInvisible } from './text.ts';

/** `other` is the sender of an inbound message that is none of the other types; see `inbound-addresses.ts`. */
export type AddressType = 'phone' | 'short_code' | 'alphanumeric' | 'email' | 'other';

/** A normalised address. */
export interface Address {
  type: AddressType;
  /** The normalised text, which is the same for all spellings of an address, in participants, messages and provider calls. */
  key: string;
}

export type AddressParser = (input: string) => Address | null;

/** Maximum UTF-16 units of an address, for the 512 characters of the contract. A longer text is never an address. */
const MAX_LENGTH = 1_024;
/** Short codes have 3 to 8 digits; some carriers add a star or a plus sign. */
const SHORT_CODE = /^[*+]?\d{3,8}$/;
/**
 * At most 11 characters, at least one of which is a letter, of the GSM 7-bit alphabet and its extension (3GPP TS 23.038)
 * without @.
 */
const ALPHANUMERIC =
  /^(?=.*\p{L})[A-Za-z0-9£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~\]|€]{1,11}$/u;

/** Maximum octets of the local part of an email address (RFC 5321, section 4.5.3.1.1). */
const MAX_LOCAL_PART = 64;
const ERASED = /^erased-\d+$/;

/** Whether a text has the form of the address of an erased participant (`request_erasure`), which nobody else can have. */
export function isErasedAddress(text: string): boolean {
  return ERASED.test(text);
}

/** The forms that providers accept for sending. The senders of inbound messages can have more forms. */
const SENDABLE: Record<AddressType, (key: string) => boolean> = {
  phone: () => true,
  short_code: (key) => /^\d{3,6}$/.test(key),
  alphanumeric: (key) => /^[A-Za-z0-9 &_-]+$/.test(key),
  email: (key) => Buffer.byteLength(key.slice(0, key.lastIndexOf('@'))) <= MAX_LOCAL_PART,
  other: () => false,
};

const parsers = new Map<CountryCode, AddressParser>();
const caches: LRUCache<string, Address>[] = [];

/**
 * A parser that caches recent addresses; one for all users of a process, because the cache needs some megabytes.
 *
 * @param region the default region of phone numbers.
 */
export function addressParserOf(region: CountryCode): AddressParser {
  const parser = parsers.get(region) ?? createParser(region);
  parsers.set(region, parser);
  return parser;
}

/** Forgets the cached addresses, of which some were erased. */
export function forgetAddresses(): void {
  for (const cache of caches) cache.clear();
}

function createParser(region: CountryCode): AddressParser {
  const cache = new LRUCache<string, Address>({ max: 50_000 });
  caches.push(cache);
  return (input) => {
    const cached = cache.get(input);
    if (cached) return cached;
    const address = parseAddress(input, region);
    if (address) cache.set(input, address);
    return address;
  };
}

/** Like `addressParserOf`, for the normalised text only. */
export function normaliserOf(region: CountryCode): (input: string) => string | null {
  const parse = addressParserOf(region);
  return (input) => parse(input)?.key ?? null;
}

/**
 * Normalises one address: phone numbers to E.164 (`region` is the default for numbers without a country code), email
 * addresses to lower case and an ASCII domain; short codes and alphanumeric sender ids do not change. Returns null if the
 * input is not exactly one address. Checks the form of a number, but not whether the number is in service.
 */
export function parseAddress(input: string, region: CountryCode): Address | null {
  if (input.length > MAX_LENGTH) return null;
  const text = trimInvisible(input);
  if (text.includes('@')) return parseEmail(text);
  if (/^tel:/i.test(text)) return parseNumber(text, region);
  const code = toAsciiDigits(text);
  if (/^\d{3,6}$/.test(code)) return { type: 'short_code', key: code };
  const phone = parseNumber(text, region);
  if (phone) return phone;
  if (SHORT_CODE.test(code)) return { type: 'short_code', key: code };
  const name = text.normalize('NFC').replace(/\p{Zs}/gu, ' ');
  return ALPHANUMERIC.test(name) && !isErasedAddress(name) ? { type: 'alphanumeric', key: name } : null;
}

function parseEmail(text: string): Address | null {
  const key = parseMailbox(text);
  return key === null ? null : { type: 'email', key };
}

function parseNumber(text: string, region: CountryCode): Address | null {
  const key = parsePhone(text, region);
  return key === null ? null : { type: 'phone', key };
}

/** Whether a client may use an address of this form as a sender or recipient. */
export function isSendable({ type, key }: Address): boolean {
  return SENDABLE[type](key);
}

/** Parses a sender of the configuration, whose phone numbers begin with + in any region. */
export function parseSender(text: string): Address | null {
  const address = parseAddress(text, 'US');
  return address !== null && isSendable(address) ? address : null;
}
