import type { RequestHandler } from 'express';
import { signForm } from '../../../src/simulator/dialects/twilio/webhooks/signature.ts';

/** The form of `X-Twilio-Signature`. */
export const SIGNATURE = /^[A-Za-z0-9+/]{27}=$/;
/** The example of a valid signature in the contract, which no key makes. */
export const GOOD = Buffer.alloc(20, 'good').toString('base64');
export const FORGED = Buffer.alloc(20, 'forged').toString('base64');

/** Replaces the example of a valid signature with the signature of the request. */
export function signFormAnew(authToken: string, url: string): RequestHandler {
  return (request, _response, next) => {
    if (request.get('x-twilio-signature') === GOOD) {
      const form = new URLSearchParams(request.body);
      request.headers['x-twilio-signature'] = signForm(authToken, url + request.originalUrl, form);
    }
    next();
  };
}
