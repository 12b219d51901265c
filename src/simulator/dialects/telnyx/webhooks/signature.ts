import { createPrivateKey, hash, type KeyObject, sign } from 'node:crypto';

/** The bytes before the seed of an Ed25519 key in DER (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Base64 of the seed that signs the webhooks of a simulator without a seed of its own. */
export function seedOf(webhookSecret = 'simulated-webhook-secret'): string {
  return hash('sha256', `telnyx ${webhookSecret}`, 'base64');
}

/** @param seed base64 of 32 bytes. */
export function signingKey(seed: string): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX, Buffer.from(seed, 'base64')]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/**
 * The headers of a signed webhook: Ed25519 over `{timestamp}|{raw body}`.
 * Source: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
 *
 * @param seconds since 1970.
 */
export function signatureHeaders(key: KeyObject, seconds: number, body: string): Record<string, string> {
  const signature = sign(null, Buffer.from(`${seconds}|${body}`), key);
  return {
    'telnyx-timestamp': String(seconds),
    'telnyx-signature-ed25519': signature.toString('base64'),
  };
}
