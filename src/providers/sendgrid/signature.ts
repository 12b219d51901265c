import { createECDH, createPublicKey, createVerify, hash, type KeyObject } from 'node:crypto';

/** The bytes before an uncompressed point of P-256 in DER (RFC 5480). */
const SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
/** The clock of SendGrid may be ahead of ours. */
const AHEAD_SECONDS = 10 * 60;

export interface SignedWebhook {
  /** The header `X-Twilio-Email-Event-Webhook-Timestamp`: seconds since 1970. */
  timestamp: string;
  /** The header `X-Twilio-Email-Event-Webhook-Signature`: base64 of an ECDSA signature in DER. */
  signature: string;
}

/**
 * @param publicKey base64 of a P-256 key in DER, as SendGrid shows it.
 * @throws {Error} for any other text.
 */
export function verificationKey(publicKey: string): KeyObject {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('The key is not of P-256');
  return key;
}

/**
 * Whether SendGrid signed a webhook with one of these keys: ECDSA with SHA-256 over `{timestamp}{raw body}`. SendGrid does not
 * document whether a repeated webhook is signed again, so that a signature is valid as long as SendGrid repeats webhooks.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 *
 * @param now in milliseconds since 1970.
 * @param maxAgeSeconds how long SendGrid repeats webhooks.
 * @param readBody returns the bytes of the body; it is called only if the headers have the form of a valid signature.
 */
export async function isSignedBy(
  keys: readonly KeyObject[],
  { timestamp, signature }: SignedWebhook,
  { now, maxAgeSeconds }: { now: number; maxAgeSeconds: number },
  readBody: () => Promise<Buffer>,
): Promise<boolean> {
  if (!/^\d{1,12}$/.test(timestamp) || !/^[A-Za-z0-9+/]{20,104}={0,2}$/.test(signature)) return false;
  const age = now / 1_000 - Number(timestamp);
  if (age > maxAgeSeconds || age < -AHEAD_SECONDS) return false;
  const given = Buffer.from(signature, 'base64');
  // Only one text of the bytes is valid: the last character can have unused bits.
  if (given.toString('base64') !== signature) return false;
  const body = await readBody();
  // In parts, because an email is large.
  return keys.some((key) => createVerify('sha256').update(timestamp).update(body).verify(key, given));
}

/** The public key of the simulator, whose private key is derived from its webhook secret. */
export function simulatedPublicKey(webhookSecret: string): string {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(hash('sha256', `sendgrid ${webhookSecret}`, 'buffer'));
  return Buffer.concat([SPKI_PREFIX, pair.getPublicKey()]).toString('base64');
}
