import { createHash, createHmac, randomUUID } from 'node:crypto';

export interface Signer {
  secret: string;
  apiKey: string;
  applicationId: string;
}

/**
 * The header `Authorization` of a webhook: a JWT, signed by HS256 with the signature secret of the account, whose claim
 * `payload_hash` is the SHA-256 of the body.
 * Source: https://developer.vonage.com/en/messages/concepts/signed-webhooks
 *
 * @param at in seconds since 1970.
 */
export function authorizationOf(
  { secret, apiKey, applicationId }: Signer,
  body: string,
  at = Math.floor(Date.now() / 1_000),
): string {
  const claims = {
    iat: at,
    jti: randomUUID(),
    iss: 'Vonage',
    payload_hash: createHash('sha256').update(body).digest('hex'),
    api_key: apiKey,
    application_id: applicationId,
  };
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `Bearer ${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
