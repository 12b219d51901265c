import { createPrivateKey, createPublicKey, hash, type KeyObject, verify } from 'node:crypto';

/** The age of a webhook in both directions, as in Telnyx's own libraries. */
const TOLERANCE_SECONDS = 5 * 60;
const SIGNATURE_BYTES = 64;
/** The bytes before a raw Ed25519 key in DER (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface SignedWebhook {
  /** The header `telnyx-timestamp`: seconds since 1970. */
  timestamp: string;
  /** The header `telnyx-signature-ed25519`: base64 of 64 bytes. */
  signature: string;
}

/** @param publicKey base64 of the 32 bytes of an Ed25519 key, as the Telnyx portal shows it. */
export function verificationKey(publicKey: string): KeyObject {
  const key = Buffer.concat([SPKI_PREFIX, Buffer.from(publicKey, 'base64')]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/**
 * Whether Telnyx signed a webhook with one of these keys at most five minutes ago: Ed25519 over `{timestamp}|{raw body}`.
 * Source: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
 *
 * @param now in milliseconds since 1970.
 * @param readBody returns the bytes of the body; it is called only if the headers have the form of a valid signature.
 */
export async function isSignedBy(
  keys: readonly KeyObject[],
  { timestamp, signature }: SignedWebhook,
  now: number,
  readBody: () => Promise<Buffer>,
): Promise<boolean> {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = Buffer.from(signature, 'base64');
  // Only one text of the bytes is valid: the last character has unused bits.
  if (given.length !== SIGNATURE_BYTES || given.toString('base64') !== signature) return false;
  const signed = Buffer.concat([Buffer.from(`${timestamp}|`), await readBody()]);
  return keys.some((key) => verify(null, signed, key, given));
}

/** The public key of the simulator, whose private key is derived from its webhook secret. */
export function simulatedPublicKey(webhookSecret: string): string {
  const seed = hash('sha256', `telnyx ${webhookSecret}`, 'buffer');
  const privateKey = createPrivateKey({
    ...{ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' },
  });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return publicKey.subarray(SPKI_PREFIX.length).toString('base64');
}
