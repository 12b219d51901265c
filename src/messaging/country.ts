import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { Channel } from '../channel.ts';
import type { Fault } from '../errors.ts';
import { CountryNotAllowedError } from '../refusals.ts';
import type { Address } from './address.ts';

/** The region of numbers without a country (UN M.49), such as those of satellite phones. */
const NO_COUNTRY = '001';

/**
 * The country of a phone number: an ISO 3166-1 code, or `001` for a number without a country. The metadata of libphonenumber
 * tells the countries of a shared calling code apart, such as those of +1; a toll-free number of +1 is of the US. Null if the
 * number is of no known range, and for other addresses, such as short codes.
 */
export function countryOf({ type, key }: Address): CountryCode | typeof NO_COUNTRY | null {
  const phone = type === 'phone' ? parsePhoneNumberFromString(key) : undefined;
  return phone?.country ?? (phone?.isNonGeographic() ? NO_COUNTRY : null);
}

/**
 * The refusal of a text with a recipient outside the allowed countries; null if every recipient is allowed. A recipient without
 * a known country is not allowed. Emails are not checked.
 *
 * @param allowed null for every country.
 */
export function countryRefusal(
  { channel, recipients }: { channel: Channel; recipients: readonly (Address & { path: string })[] },
  allowed: readonly string[] | null,
): CountryNotAllowedError | null {
  if (allowed === null || channel !== 'sms') return null;
  const faults: Fault[] = recipients.flatMap(({ path, ...address }) => {
    const country = countryOf(address);
    return country !== null && allowed.includes(country) ? [] : { path, message: ruleFor(address, country) };
  });
  return faults.length === 0 ? null : new CountryNotAllowedError(faults);
}

function ruleFor({ type, key }: Address, country: string | null): string {
  if (country === NO_COUNTRY)
    return `${key} is a number without a country (001), which ALLOWED_COUNTRIES does not have`;
  if (country !== null)
    return `${key} is a number of the country ${country}, which ALLOWED_COUNTRIES does not have`;
  return type === 'phone'
    ? `the country of ${key} is unknown; ALLOWED_COUNTRIES allows numbers of known countries only`
    : `${key} is a short code, which has no known country; ALLOWED_COUNTRIES allows numbers of known countries only`;
}
