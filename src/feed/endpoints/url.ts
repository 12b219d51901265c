import { isIP } from 'node:net';
import type { AddressPolicy } from '../../egress/address-policy.ts';
import { hostOf } from '../../egress/lookup.ts';

/**
 * The reason why an endpoint cannot have this URL; null if it can. A name is not resolved here: its addresses are checked
 * whenever a connection is made (`egress/lookup.ts`).
 */
export function urlFault(text: string, policy: AddressPolicy): string | null {
  const url = URL.parse(text);
  if (!url || !['https:', 'http:'].includes(url.protocol)) return 'must be an https URL';
  if (url.username || url.password) return 'must not contain credentials';
  if (text.includes('#')) return 'must not have a fragment';
  const host = hostOf(url);
  if (policy.isNamed(host)) return null;
  const address = addressOf(host);
  if (address !== null && !policy.allows(address))
    return `${host} is not a public address, and ALLOWED_PRIVATE_HOSTS does not name it`;
  if (url.protocol === 'https:') return null;
  const mayBeNamed = address === null ? policy.hasRanges : policy.isNamedAddress(address);
  return mayBeNamed ? null : 'must be an https URL: http is only for hosts that ALLOWED_PRIVATE_HOSTS names';
}

/** The address that a host has without a look-up: of an IP address, and of `localhost` (RFC 6761, section 6.3). */
function addressOf(host: string): string | null {
  if (isIP(host) !== 0) return host;
  return /^(?:.+\.)?localhost\.?$/.test(host) ? '127.0.0.1' : null;
}
