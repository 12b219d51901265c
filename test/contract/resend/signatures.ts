import type { RequestHandler } from 'express';
import { svixHeaders } from '../../../src/simulator/dialects/resend/signature.ts';

/** The form of `svix-signature`. */
export const SIGNATURE = /^v1,[A-Za-z0-9+/]{43}=$/;
/** The examples in the contract, which no secret makes. */
export const GOOD = `v1,${Buffer.alloc(32, 'good').toString('base64')}`;
export const FORGED = `v1,${Buffer.alloc(32, 'forged').toString('base64')}`;

/** Replaces the example of a valid signature with the signature of the request. */
export function signSvixAnew(secret: string): RequestHandler {
  return (request, _response, next) => {
    if (request.get('svix-signature') === GOOD) {
      const seconds = Math.floor(Date.now() / 1_000);
      const id = String(request.get('svix-id'));
      Object.assign(request.headers, svixHeaders(secret, id, seconds, JSON.stringify(request.body)));
    }
    next();
  };
}
