import type { RequestHandler } from 'express';
import { createTokens } from '../../../src/providers/vonage/token.ts';
import { authorizationOf } from '../../../src/simulator/dialects/vonage/signature.ts';

/** The form of a bearer token that is a JWT. */
export const TOKEN = /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/;
/** The examples in the contracts, which no key makes. `bin/verify-provider` knows the wrong token by its beginning. */
export const GOOD = 'Bearer good.token.example';
export const WRONG = 'Bearer wrong-key.token.example';

export interface VonageSigner {
  apiKey: string;
  applicationId: string;
  privateKey: string;
  signatureSecret: string;
  /** Whether the requests are webhooks. */
  ofWebhooks: boolean;
}

/** Replaces the example of a good token with a token for the request. */
export function signVonageAnew({
  ofWebhooks,
  signatureSecret,
  privateKey,
  ...account
}: VonageSigner): RequestHandler {
  const newToken = createTokens(account.applicationId, privateKey);
  return (request, _response, next) => {
    if (request.get('authorization') === GOOD) {
      const body = JSON.stringify(request.body);
      request.headers.authorization = ofWebhooks
        ? authorizationOf({ ...account, secret: signatureSecret }, body)
        : `Bearer ${newToken()}`;
    }
    next();
  };
}
