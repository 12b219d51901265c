import { createECDH, createPrivateKey, hash, type KeyObject, sign } from 'node:crypto';

/** The key that signs the webhooks of a simulator, whose scalar is derived from its webhook secret. */
export function signingKey(webhookSecret = 'simulated-webhook-secret'): KeyObject {
  const pair = createECDH('prime256v1');
  const scalar = hash('sha256', `sendgrid ${webhookSecret}`, 'buffer');
  pair.setPrivateKey(scalar);
  const point = pair.getPublicKey();
  const text = (bytes: Buffer) => bytes.toString('base64url');
  const key = {
    ...{ kty: 'EC', crv: 'P-256', d: text(scalar) },
    ...{ x: text(point.subarray(1, 33)), y: text(point.subarray(33)) },
  };
  return createPrivateKey({ key, format: 'jwk' });
}

/**
 * The headers of a signed webhook: ECDSA with SHA-256 over `{timestamp}{raw body}`.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 *
 * @param seconds since 1970.
 */
export function signatureHeaders(
  key: KeyObject,
  seconds: number,
  body: string | Buffer,
): Record<string, string> {
  const signature = sign('sha256', Buffer.concat([Buffer.from(String(seconds)), Buffer.from(body)]), key);
  return {
    'x-twilio-email-event-webhook-signature': signature.toString('base64'),
    'x-twilio-email-event-webhook-timestamp': String(seconds),
  };
}
