import type { RequestHandler } from 'express';
import { signatureHeaders, signingKey } from '../../../src/simulator/dialects/sendgrid/signature.ts';

/** The form of `X-Twilio-Email-Event-Webhook-Signature`: base64 of an ECDSA signature in DER. */
export const SIGNATURE = /^[A-Za-z0-9+/]{80,104}={0,2}$/;
/** The examples in the contract, which no key makes. */
export const GOOD = Buffer.alloc(71, 'good').toString('base64');
export const FORGED = Buffer.alloc(71, 'forged').toString('base64');

/** Replaces the example of a valid signature with the signature of the request. */
export function signSendGridAnew(secret: string): RequestHandler {
  const key = signingKey(secret);
  return (request, _response, next) => {
    if (request.get('x-twilio-email-event-webhook-signature') === GOOD) {
      const seconds = Math.floor(Date.now() / 1_000);
      Object.assign(request.headers, signatureHeaders(key, seconds, JSON.stringify(request.body)));
    }
    next();
  };
}
