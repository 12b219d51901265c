import { MessagingError } from './errors.ts';

export interface SignedWebhook {
  /** The raw body of the request, not parsed. */
  body: string | Uint8Array | ArrayBuffer;
  /** The headers of the request, in the form of any framework. */
  headers: WebhookHeaders;
  /** `whsec_` and base64. Several secrets during a rotation. */
  secret: string | readonly string[];
  /** Maximum difference between the timestamp and now in seconds, in both directions. Default: 300. */
  tolerance?: number;
  /** Milliseconds since 1970. Default: the current time. */
  now?: number;
}

/** The `Headers` of any library. `get` is called with lower-case names. */
export interface HeaderGetter {
  get(name: string): string | null | undefined;
}
/** Values by name, in any case, for example the `headers` of Node.js. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;
export type WebhookHeaders = HeaderGetter | HeaderRecord;

export interface Webhook<Payload = unknown> {
  /** Identical in every delivery of one event. Use the id to detect duplicates. */
  id: string;
  /** The time of the signature. */
  timestamp: Date;
  /** The parsed body. */
  payload: Payload;
}

export type WebhookFault =
  | 'missing_headers'
  | 'outside_tolerance'
  | 'wrong_signature'
  | 'malformed_body'
  | 'invalid_secret';

/** The webhook is not authentic, or the secret is invalid. */
export class WebhookVerificationError extends MessagingError {
  override readonly name = 'WebhookVerificationError';
  declare readonly code: WebhookFault;
}

/** Max signatures that are compared, each of which hashes the body; a rotation needs two. */
const MAX_SIGNATURES = 16;

/**
 * Verifies a webhook by Standard Webhooks 1.0.0: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
 *
 * @throws {WebhookVerificationError}
 * @throws {TypeError} if the body is not raw, for example parsed by a middleware.
 */
export async function verifyWebhook<Payload = unknown>(webhook: SignedWebhook): Promise<Webhook<Payload>> {
  const { headers, body, secret, tolerance = 300, now = Date.now() } = webhook;
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  // Several headers of one name are joined by a comma.
  const signatures = headerOf(headers, 'webhook-signature').split(/,?\s+/, MAX_SIGNATURES);
  if (!id || !/^\d{1,12}$/.test(timestamp) || !signatures[0])
    throw new WebhookVerificationError(
      'missing_headers',
      'webhook-id, -timestamp or -signature is missing or wrong.',
    );
  // A tolerance or a time that is NaN allows nothing.
  if (!(Math.abs(now / 1_000 - Number(timestamp)) <= tolerance))
    throw new WebhookVerificationError(
      'outside_tolerance',
      `The timestamp is more than ${tolerance} seconds off.`,
    );
  // The signature is over the bytes as they were sent.
  if (typeof body !== 'string' && typeof body?.byteLength !== 'number')
    throw new TypeError('body must be the raw body of the request.');
  const signed = new Blob([`${id}.${timestamp}.`, body as ArrayBuffer]);
  if (!(await isSigned(await signed.arrayBuffer(), signatures, [secret].flat())))
    throw new WebhookVerificationError('wrong_signature', 'No signature matches a secret.');
  return { id, timestamp: new Date(Number(timestamp) * 1_000), payload: (await parse(body)) as Payload };
}

/** The value of a header. Values of a list are separated by spaces. */
function headerOf(headers: WebhookHeaders, name: string): string {
  const value =
    typeof headers.get === 'function'
      ? headers.get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return [value].flat().join(' ');
}

/** Whether a signature was made with one of the secrets. WebCrypto compares in constant time. */
async function isSigned(
  content: ArrayBuffer,
  signatures: string[],
  secrets: readonly string[],
): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  for (const secret of secrets) {
    const bytes = decode(secret.replace(/^whsec_/, ''));
    if (!bytes?.length)
      throw new WebhookVerificationError('invalid_secret', 'A secret must be `whsec_` and base64.');
    const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
    for (const signature of signatures) {
      const given = signature.startsWith('v1,') && decode(signature.slice(3));
      if (given && (await crypto.subtle.verify('HMAC', key, given, content))) return true;
    }
  }
  return false;
}

function decode(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** Parses a body without its byte order mark. */
async function parse(body: SignedWebhook['body']): Promise<unknown> {
  try {
    return await new Response(body as ArrayBuffer).json();
  } catch {
    throw new WebhookVerificationError('malformed_body', 'The body is not JSON.');
  }
}
