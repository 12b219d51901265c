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

  constructor(code: WebhookFault, message: string) {
    super(code, message);
  }
}

/**
 * Verifies a webhook by Standard Webhooks 1.0.0: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
 *
 * @throws {WebhookVerificationError}
 */
export async function verifyWebhook<Payload = unknown>(webhook: SignedWebhook): Promise<Webhook<Payload>> {
  const { body, secret, tolerance = 300, now = Date.now() } = webhook;
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    headerOf(webhook.headers, `webhook-${name}`),
  );
  if (!id || !timestamp || !signatures || !/^\d{1,12}$/.test(timestamp))
    throw new WebhookVerificationError(
      'missing_headers',
      'webhook-id, webhook-timestamp or webhook-signature is missing or malformed.',
    );
  if (Math.abs(now / 1_000 - Number(timestamp)) > tolerance)
    throw new WebhookVerificationError(
      'outside_tolerance',
      `The timestamp is more than ${tolerance} seconds before or after now.`,
    );
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body);
  const content = concat(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  // Several headers of one name are joined by a comma.
  const given = signatures.split(/,?\s+/);
  const expected = await Promise.all([secret].flat().map((each) => sign(each, content)));
  if (!expected.some((right) => given.some((signature) => equal(signature, right))))
    throw new WebhookVerificationError('wrong_signature', 'No signature matches a secret.');
  return { id, timestamp: new Date(Number(timestamp) * 1_000), payload: parse(bytes) as Payload };
}

function headerOf(headers: SignedWebhook['headers'], name: string): string | undefined {
  const value = isGetter(headers) ? headers.get(name) : valueIn(headers, name);
  return typeof value === 'string' ? value : value?.join(' ');
}

function isGetter(headers: WebhookHeaders): headers is HeaderGetter {
  return typeof headers.get === 'function';
}

function valueIn(headers: HeaderRecord, name: string) {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
}

async function sign(secret: string, content: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await crypto.subtle.importKey('raw', keyOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, content));
  return `v1,${btoa(String.fromCharCode(...signature))}`;
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  try {
    const bytes = Uint8Array.from(atob(secret.replace(/^whsec_/, '')), (character) =>
      character.charCodeAt(0),
    );
    if (bytes.length > 0) return bytes;
  } catch {
    // Not base64.
  }
  throw new WebhookVerificationError('invalid_secret', 'A secret must be `whsec_` and base64.');
}

/** Compares in constant time. */
function equal(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < b.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new WebhookVerificationError('malformed_body', 'The body is not JSON.');
  }
}
