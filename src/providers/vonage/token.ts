import {
  createHash,
  createHmac,
  createPrivateKey,
  type KeyObject,
  randomUUID,
  sign,
  timingSafeEqual,
} from 'node:crypto';

/** A request is made at once, and its repeats within seconds; the clocks may differ. */
const LIFETIME_SECONDS = 15 * 60;
/** The tolerance of the time in a webhook, in both directions. */
const TOLERANCE_SECONDS = 5 * 60;
const DIGEST_BYTES = 32;
/** Three parts of base64url without padding (RFC 7515); a signature of HMAC-SHA256 has 43 characters. */
const SIGNED_TOKEN = /^([\w-]{1,4096})\.([\w-]{1,8192})\.([\w-]{43})$/;

/**
 * Makes the tokens of an application for its requests: a JWT, signed by RS256.
 * Source: https://developer.vonage.com/en/getting-started/concepts/authentication#json-web-tokens
 *
 * @param privateKey PEM of an RSA key.
 */
export function createTokens(applicationId: string, privateKey: string): () => string {
  const key = createPrivateKey(privateKey);
  const header = encode({ alg: 'RS256', typ: 'JWT' });
  return () => {
    const iat = secondsNow();
    const claims = { application_id: applicationId, iat, exp: iat + LIFETIME_SECONDS, jti: randomUUID() };
    const content = `${header}.${encode(claims)}`;
    return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
  };
}

export interface SignedBy {
  /** The signature secrets of the account, two during a rotation. */
  keys: readonly KeyObject[];
  apiKey: string;
  applicationId: string;
}

/**
 * Whether a token of a webhook is genuine: a JWT that is signed by HS256, of this account and application, issued in the last
 * five minutes, over these bytes (`payload_hash` is their SHA-256 in hexadecimal). The algorithm is never read from the token as
 * a choice: any other `alg` is refused.
 * Source: https://developer.vonage.com/en/messages/concepts/signed-webhooks
 *
 * @param now in milliseconds since 1970.
 * @param readBody returns the bytes of the body; it is called only if the token is genuine by itself.
 */
export async function isGenuine(
  token: string,
  { keys, apiKey, applicationId }: SignedBy,
  now: number,
  readBody: () => Promise<Buffer>,
): Promise<boolean> {
  const claims = claimsOf(token, keys);
  if (claims?.api_key !== apiKey || claims.application_id !== applicationId) return false;
  const { iat, payload_hash: hash } = claims;
  if (typeof iat !== 'number' || !(Math.abs(now / 1_000 - iat) <= TOLERANCE_SECONDS)) return false;
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/i.test(hash)) return false;
  const digest = createHash('sha256')
    .update(await readBody())
    .digest();
  return timingSafeEqual(digest, Buffer.from(hash, 'hex'));
}

/** The claims of a token that one of the keys signed by HS256; null for any other token. */
export function claimsOf(token: string, keys: readonly KeyObject[]): Record<string, unknown> | null {
  const [, header, payload, signature = ''] = SIGNED_TOKEN.exec(token) ?? [];
  if (header === undefined || payload === undefined) return null;
  const given = Buffer.from(signature, 'base64url');
  // Only one text of the bytes is valid: the last character has unused bits.
  if (given.length !== DIGEST_BYTES || given.toString('base64url') !== signature) return null;
  const isSigned = keys.some((key) => {
    const expected = createHmac('sha256', key).update(`${header}.${payload}`).digest();
    return timingSafeEqual(expected, given);
  });
  if (!isSigned || decode(header)?.alg !== 'HS256') return null;
  return decode(payload);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The object in a part of a token; null for any other content. */
function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function secondsNow(): number {
  return Math.floor(Date.now() / 1_000);
}
