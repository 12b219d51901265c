import type { CountryCode } from 'libphonenumber-js/min';
import { LRUCache } from 'lru-cache';
import { parseMailbox } from './email-address.ts';
import { parsePhone, toAsciiDigits } from './phone-number.ts';
import { trimInvisible } from './text.ts';

/** `other` is the sender of an inbound message that none of the other types fits; see `inbound-addresses.ts`. */
export type AddressType = 'phone' | 'short_code' | 'alphanumeric' | 'email' | 'other';

/** A normalised address. */
export interface Address {
  type: AddressType;
  /** One text per address: participants, messages and providers all get this one. */
  key: string;
}

export type AddressParser = (input: string) => Address | null;

/** UTF-16 units; the contract allows 512 characters. What is longer is no address and is not looked at. */
const MAX_LENGTH = 1_024;
/** Short codes have 3 to 8 digits; some carriers write them with a star or a plus sign. */
const SHORT_CODE = /^[*+]?\d{3,8}$/;
/** Up to 11 characters of the GSM 7-bit alphabet and its extension (3GPP TS 23.038) but @, at least one of them a letter. */
const ALPHANUMERIC =
  /^(?=.*\p{L})[A-Za-z0-9£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~\]|€]{1,11}$/u;

/** Octets of the local part of an email address (RFC 5321, section 4.5.3.1.1). */
const MAX_LOCAL_PART = 64;
/** The forms that providers accept for sending; inbound messages come from more. */
const SENDABLE: Record<AddressType, (key: string) => boolean> = {
  phone: () => true,
  short_code: (key) => /^\d{3,6}$/.test(key),
  alphanumeric: (key) => /^[A-Za-z0-9 &_-]+$/.test(key),
  email: (key) => Buffer.byteLength(key.slice(0, key.lastIndexOf('@'))) <= MAX_LOCAL_PART,
  other: () => false,
};

/** Makes the parser for a default region. It caches the addresses seen most recently. */
export function createAddressParser(region: CountryCode): AddressParser {
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
 * Normalises one address: phone numbers to E.164 (numbers without a country code are read in `region`), emails to
 * lower case and an ASCII domain, short codes and alphanumeric sender ids unchanged. Null where the input is not
 * exactly one address. The form of a number is checked, not whether it is in service.
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
  return ALPHANUMERIC.test(name) ? { type: 'alphanumeric', key: name } : null;
}

function parseEmail(text: string): Address | null {
  const key = parseMailbox(text);
  return key === null ? null : { type: 'email', key };
}

function parseNumber(text: string, region: CountryCode): Address | null {
  const key = parsePhone(text, region);
  return key === null ? null : { type: 'phone', key };
}

/** Whether a client may send to, or from, an address of this form. */
export function isSendable({ type, key }: Address): boolean {
  return SENDABLE[type](key);
}
