import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The bytes of an HMAC-SHA1. */
const DIGEST_BYTES = 20;

export interface SignedRequest {
  /** The configured public URL and the target of the request, as received. */
  url: string;
  /** The parameters of a form body, or null for another body. */
  form: URLSearchParams | null;
  /** The body as received. */
  body: Buffer;
  /** The header `X-Twilio-Signature`. */
  signature: string;
}

/**
 * Whether Twilio signed a request with one of these tokens: base64 of HMAC-SHA1 over the URL, followed by each parameter of a
 * form, sorted by name. For other bodies, the query parameter `bodySHA256` has the SHA-256 of the body. Twilio signs the URL
 * with or without its port. Source: https://www.twilio.com/docs/usage/security#validating-requests
 */
export function isSignedBy(
  tokens: readonly string[],
  { url, form, body, signature }: SignedRequest,
): boolean {
  const given = Buffer.from(signature, 'base64');
  // Only one text of the bytes is valid: the last character has unused bits.
  if (given.length !== DIGEST_BYTES || given.toString('base64') !== signature) return false;
  if (form === null && !hasDigest(url, body)) return false;
  const parameters = form === null ? '' : parametersOf(form);
  return tokens.some((token) =>
    urlsOf(url).some((each) => {
      const expected = createHmac('sha1', token).update(`${each}${parameters}`).digest();
      return timingSafeEqual(expected, given);
    }),
  );
}

/** Each name with its values, sorted; a repeated value counts once. */
function parametersOf(form: URLSearchParams): string {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of form) values.set(name, (values.get(name) ?? new Set()).add(value));
  return [...values]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, own]) =>
      [...own]
        .sort()
        .map((value) => `${name}${value}`)
        .join(''),
    )
    .join('');
}

/** The URL with and without its port, by text: a URL parser would change characters that are signed. */
function urlsOf(url: string): string[] {
  const [, protocol, host = '', port, rest = ''] =
    /^(https?):\/\/(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?(.*)$/s.exec(url) ?? [];
  if (protocol === undefined) return [url];
  const standard = protocol === 'https' ? 443 : 80;
  return [`${protocol}://${host}:${port ?? standard}${rest}`, `${protocol}://${host}${rest}`];
}

function hasDigest(url: string, body: Buffer): boolean {
  const [, query = ''] = url.split('?', 2);
  const digest = new URLSearchParams(query).get('bodySHA256') ?? '';
  return digest.toLowerCase() === createHash('sha256').update(body).digest('hex');
}
