import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

export interface SignedRequest {
  id: string | undefined;
  timestamp: string | undefined;
  signature: string | undefined;
  rawBody: Buffer;
}

/** The tolerance of the reference libraries, either way. */
const TOLERANCE_SECONDS = 5 * 60;

/** The key in a secret as Standard Webhooks writes it: `whsec_` and base64. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
}

/**
 * Whether one of these keys signed this very body lately: Standard Webhooks 1.0.0, `v1` (HMAC-SHA256 over
 * `{id}.{timestamp}.{body}`). Several keys, as several signatures, are for a rotation.
 *
 * @param now in milliseconds since 1970.
 */
export function isSigned(request: SignedRequest, keys: readonly KeyObject[], now: number): boolean {
  const { id, timestamp, signature, rawBody } = request;
  if (!id || !timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = signature
    .split(' ')
    .filter((part) => part.startsWith('v1,'))
    .map((part) => Buffer.from(part.slice(3), 'base64'));
  return keys.some((key) => {
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest();
    return given.some(
      (candidate) => candidate.length === expected.length && timingSafeEqual(candidate, expected),
    );
  });
}
