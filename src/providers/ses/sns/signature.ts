import { type KeyObject, verify } from 'node:crypto';
import type { SnsEnvelope } from './envelope.ts';

const ALGORITHMS = new Map([
  ['1', 'RSA-SHA1'],
  ['2', 'RSA-SHA256'],
]);

/** The form of a signature, before its certificate is fetched. */
export function hasSignatureForm({ signature, signatureVersion }: SnsEnvelope): boolean {
  // Only one text of the bytes is valid: the last character has unused bits.
  const isBase64 = Buffer.from(signature, 'base64').toString('base64') === signature;
  return ALGORITHMS.has(signatureVersion) && signature.length >= 300 && isBase64;
}

/** Whether the owner of the certificate signed the fields of a message. */
export function isSignedBy(
  key: KeyObject,
  { signature, signatureVersion, signedText }: SnsEnvelope,
): boolean {
  const algorithm = ALGORITHMS.get(signatureVersion);
  return (
    algorithm !== undefined &&
    verify(algorithm, Buffer.from(signedText), key, Buffer.from(signature, 'base64'))
  );
}
