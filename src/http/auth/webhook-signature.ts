import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** The headers of a signed webhook: `webhook-id`, `webhook-timestamp` and `webhook-signature`. */
export interface WebhookSignature {
  id: string;
  timestamp: string;
  signature: string;
}

/** The tolerance of the reference libraries, either way. */
const TOLERANCE_SECONDS = 5 * 60;
/** Signatures of a webhook that are compared; a rotation needs two. */
const MAX_SIGNATURES = 16;
const DIGEST_BYTES = 32;

/** The key in a secret as Standard Webhooks writes it: `whsec_` and base64. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
}

/**
 * Tells whether one of these keys signed a body within the tolerance: Standard Webhooks 1.0.0, `v1` (HMAC-SHA256 over
 * `{id}.{timestamp}.{body}`). Several keys and several signatures serve a rotation.
 *
 * @param now in milliseconds since 1970.
 * @param readBody gives the bytes of the body; it is called only where the headers can be those of a valid signature.
 */
export async function isSigned(
  { id, timestamp, signature }: WebhookSignature,
  keys: readonly KeyObject[],
  now: number,
  readBody: () => Promise<Buffer>,
): Promise<boolean> {
  if (!id || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = signature
    .split(' ', MAX_SIGNATURES)
    .filter((part) => part.startsWith('v1,'))
    .map((part) => Buffer.from(part.slice(3), 'base64'))
    .filter(({ length }) => length === DIGEST_BYTES);
  if (given.length === 0) return false;
  const body = await readBody();
  return keys.some((key) => {
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    return given.some((candidate) => timingSafeEqual(candidate, expected));
  });
}
