import { verify } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Account } from './account.ts';
import { refuse } from './errors.ts';

/** The longest lifetime of a token. */
const LIFETIME_SECONDS = 24 * 60 * 60;
const CLOCK_DIFFERENCE_SECONDS = 60;

/**
 * Middleware that checks the bearer token of a request: a JWT of the application, signed by RS256 with its key.
 * Source: https://developer.vonage.com/en/getting-started/concepts/authentication#json-web-tokens
 */
export function requireToken(account: Account): RequestHandler {
  return (request, response, next) => {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '') ?? [];
    if (isTokenOf(account, token)) next();
    else refuse(response, { status: 401 });
  };
}

/** Middleware that checks the Basic credentials of a request: the API key and any secret, or the given secret. */
export function requireSecret({ apiKey }: Account, secret: string | null): RequestHandler {
  return (request, response, next) => {
    const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.get('authorization') ?? '') ?? [];
    const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':');
    if (user === apiKey && (secret === null || password.join(':') === secret)) next();
    else refuse(response, { status: 401 });
  };
}

function isTokenOf({ applicationId, publicKey }: Account, token: string): boolean {
  const [header = '', payload = '', signature = '', ...others] = token.split('.');
  const claims = decode(payload);
  if (others.length > 0 || decode(header).alg !== 'RS256' || claims.application_id !== applicationId)
    return false;
  const { iat, exp, jti } = claims;
  const now = Date.now() / 1_000;
  const isCurrent =
    typeof iat === 'number' &&
    typeof exp === 'number' &&
    iat <= now + CLOCK_DIFFERENCE_SECONDS &&
    exp > now &&
    exp - iat <= LIFETIME_SECONDS;
  if (!isCurrent || typeof jti !== 'string' || jti === '') return false;
  const content = Buffer.from(`${header}.${payload}`);
  return publicKey === null || verify('sha256', content, publicKey, Buffer.from(signature, 'base64url'));
}

function decode(part: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(Buffer.from(part, 'base64url').toString()));
  } catch {
    return {};
  }
}
