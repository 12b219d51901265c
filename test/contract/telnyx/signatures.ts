import type { RequestHandler } from 'express';
import { signatureHeaders, signingKey } from '../../../src/simulator/dialects/telnyx/webhooks/signature.ts';

/** The form of `telnyx-signature-ed25519`. */
export const SIGNATURE = /^[A-Za-z0-9+/]{86}==$/;
/** The example of a valid signature in the contract, which no key makes. */
export const GOOD = Buffer.alloc(64, 'good').toString('base64');
export const FORGED = Buffer.alloc(64, 'forged').toString('base64');

/** Replaces the example of a valid signature with the signature of the request. */
export function signEventAnew(seed: string): RequestHandler {
  const key = signingKey(seed);
  return (request, _response, next) => {
    if (request.get('telnyx-signature-ed25519') === GOOD) {
      const seconds = Math.floor(Date.now() / 1_000);
      Object.assign(request.headers, signatureHeaders(key, seconds, JSON.stringify(request.body)));
    }
    next();
  };
}
