import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** The headers of a signed webhook: `webhook-id`, `webhook-timestamp` and `webhook-signature`. */
export interface WebhookSignature {
  id: string;
  /** Seconds since 1970. */
  timestamp: string;
  /** `v1,` and base64; several are separated by spaces. */
  signature: string;
}

/** The tolerance of the Standard Webhooks reference libraries, in both directions. */
const TOLERANCE_SECONDS = 5 * 60;
/** The maximum number of signatures of a webhook that are compared; a rotation needs two. */
const MAX_SIGNATURES = 16;
const DIGEST_BYTES = 32;

/** The key of a Standard Webhooks secret: `whsec_` and base64. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
}

/** The `webhook-signature` of a body by each of the keys, in their order (Standard Webhooks 1.0.0, `v1`). */
export function signatureBy(
  keys: readonly KeyObject[],
  { id, timestamp }: Pick<WebhookSignature, 'id' | 'timestamp'>,
  body: string | Buffer,
): string {
  return keys.map((key) => `v1,${digest(key, id, timestamp, body).toString('base64')}`).join(' ');
}

/**
 * Checks the signature and the age of a webhook by Standard Webhooks 1.0.0, `v1` (HMAC-SHA256 over
 * `{id}.{timestamp}.{body}`). One key must match one signature; during a rotation there are several of both.
 *
 * @param now in milliseconds since 1970.
 * @param readBody returns the bytes of the body; it is called only if the headers have the form of a valid signature.
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
    .flatMap((part) => digestOf(part.slice(3)) ?? []);
  if (given.length === 0) return false;
  const body = await readBody();
  return keys.some((key) => {
    const expected = digest(key, id, timestamp, body);
    return given.some((candidate) => timingSafeEqual(candidate, expected));
  });
}

function digest(key: KeyObject, id: string, timestamp: string, body: string | Buffer): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}

/** The bytes of a digest; null for a text that is not exactly their base64. */
function digestOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === DIGEST_BYTES && bytes.toString('base64') === text ? bytes : null;
}
