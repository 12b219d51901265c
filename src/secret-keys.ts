import { hkdfSync } from 'node:crypto';

/** What keys derived from `SECRET_KEYS` are for. A key for one use reveals nothing about the key for another use. */
export type KeyUse = 'media links';

/**
 * The keys for one use, derived by HKDF-SHA256 (RFC 5869), in the order of the secrets: the first signs, and each verifies.
 *
 * @param secrets the values of `SECRET_KEYS`: one, or two during a rotation.
 */
export function deriveKeys(secrets: readonly string[], use: KeyUse): Buffer[] {
  return secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', use, 32)));
}
