import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { UnverifiedWebhook, Verification } from '../provider.ts';

/** The headers of a signed webhook: `webhook-id`, `webhook-timestamp` and `webhook-signature`. */
interface WebhookSignature {
  id: string;
  timestamp: string;
  signature: string;
}

/** The tolerance of the Standard Webhooks reference libraries, in both directions. */
const TOLERANCE_SECONDS = 5 * 60;
/** The maximum number of signatures of a webhook that are compared; a rotation needs two. */
const MAX_SIGNATURES = 16;
const DIGEST_BYTES = 32;

/**
 * Verifies webhooks by these secrets: Standard Webhooks 1.0.0, `v1` (HMAC-SHA256 over `{id}.{timestamp}.{body}`).
 *
 * @param secrets `whsec_…`, two during a rotation; without a secret, every webhook is valid.
 */
export function createVerifier(
  secrets: readonly string[],
): (webhook: UnverifiedWebhook) => Promise<Verification> {
  const keys = secrets.map(signingKey);
  return async ({ headers, readBody }) => {
    if (keys.length === 0) return 'valid';
    const signature = signatureIn(headers);
    if (signature === null) return 'absent';
    return (await isSigned(signature, keys, Date.now(), readBody)) ? 'valid' : 'invalid';
  };
}

function signatureIn(headers: IncomingHttpHeaders): WebhookSignature | null {
  if (headers['webhook-signature'] === undefined) return null;
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name] ?? ''),
  ) as [string, string, string];
  return { id, timestamp, signature };
}

/** The key of a Standard Webhooks secret: `whsec_` and base64. */
function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
}

/**
 * Checks the signature and the age of a webhook by Standard Webhooks 1.0.0, `v1` (HMAC-SHA256 over
 * `{id}.{timestamp}.{body}`). One key must match one signature; during a rotation there are several of both.
 *
 * @param now in milliseconds since 1970.
 * @param readBody returns the bytes of the body; it is called only if the headers have the form of a valid signature.
 */
async function isSigned(
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
