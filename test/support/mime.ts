import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { type Answer, type Harness, webhookSecret } from './harness.ts';

/** The environment of a service that receives emails from a mail server. */
export const mimeEnvironment = { MIME_WEBHOOK_SECRETS: webhookSecret };

interface Envelope {
  recipients?: string[];
  /** Empty for a null return path; absent if it is not known. */
  sender?: string;
}

/** The URL of an email with this envelope. */
export function mimeTarget({ recipients = ['support@shop.example'], sender }: Envelope = {}): string {
  const query = new URLSearchParams(
    recipients.map((recipient): [string, string] => ['recipient', recipient]),
  );
  if (sender !== undefined) query.set('sender', sender);
  return `/api/webhooks/mime?${query}`;
}

/** Sends an email as a mail server does. */
export async function deliverMime(
  { url }: Pick<Harness, 'url'>,
  raw: string | Buffer,
  envelope: Envelope = {},
  headers: Record<string, string> = {},
): Promise<Omit<Answer, 'headers'>> {
  return deliverTo({ url }, mimeTarget(envelope), raw, headers);
}

/** Sends an email to a path and query. */
export async function deliverTo(
  { url }: Pick<Harness, 'url'>,
  target: string,
  raw: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Omit<Answer, 'headers'>> {
  const body = Buffer.from(raw);
  const signed = sign(webhookSecret, 'mail_1', Math.floor(Date.now() / 1_000), body);
  const response = await fetch(url + target, {
    method: 'POST',
    headers: { 'content-type': 'message/rfc822', ...signed, ...headers },
    body,
  });
  return { status: response.status, body: await response.json() };
}

/** An email with these headers and this text. */
export function mail(headers: Record<string, string>, text = 'Hello'): string {
  const all = { From: 'Ada <ada@example.com>', To: 'support@shop.example', Subject: 'Order', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [...lines, '', text, ''].join('\r\n');
}
