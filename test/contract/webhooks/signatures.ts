import type { RequestHandler } from 'express';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';

/** The shape of Standard Webhooks' `webhook-signature`. */
export const SIGNATURE = /^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$/;
/** What a contract shows in place of a signature; no key makes either of them. */
export const GOOD = `v1,${Buffer.alloc(32, 'good').toString('base64')}`;
export const FORGED = `v1,${Buffer.alloc(32, 'forged').toString('base64')}`;

/** Signs anew, over the body as it goes out and at this moment, what the contract shows as signed well. */
export function signAnew(secret: string): RequestHandler {
  return (request, _response, next) => {
    if (request.headers['webhook-signature']?.toString().replace(/\s/g, '') === GOOD) {
      const seconds = Math.floor(Date.now() / 1_000);
      const id = String(request.headers['webhook-id']);
      Object.assign(request.headers, sign(secret, id, seconds, JSON.stringify(request.body)));
    }
    next();
  };
}
