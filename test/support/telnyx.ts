import { createPublicKey, hash, randomUUID } from 'node:crypto';
import { signatureHeaders, signingKey } from '../../src/simulator/dialects/telnyx/webhooks/signature.ts';

export const API_KEY = 'KEY0123456789ABCDEF_telnyx';
/** The secret key of RFC 8032, TEST 1, and its public key. */
export const SEED = 'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=';
export const PUBLIC_KEY = publicKeyOf(SEED);
export const WEBHOOK_PATH = '/api/webhooks/telnyx';

/** The seed of a text. */
export function seedFor(text: string): string {
  return hash('sha256', text, 'base64');
}

/** The public key of a seed, as the portal of Telnyx shows it. */
export function publicKeyOf(seed: string): string {
  const der = createPublicKey(signingKey(seed)).export({ format: 'der', type: 'spki' });
  return der.subarray(-32).toString('base64');
}

/** The environment of a service with one Telnyx account, whose calls go to `url`. */
export function telnyxEnvironment(url: string, seed = SEED): Record<string, string> {
  return {
    ...{ SMS_PROVIDERS: 'telnyx', TELNYX_URL: url, TELNYX_API_KEY: API_KEY },
    TELNYX_PUBLIC_KEY: publicKeyOf(seed),
  };
}

/** The headers of a webhook that Telnyx signs. */
export function signedHeaders(
  body: string,
  { seed = SEED, at = Math.floor(Date.now() / 1_000) }: { seed?: string; at?: number } = {},
): Record<string, string> {
  return { 'content-type': 'application/json', ...signatureHeaders(signingKey(seed), at, body) };
}

/** The JSON of an event. */
export function eventBody(type: string, payload: object, id: string = randomUUID()): string {
  const data = { event_type: type, id, occurred_at: new Date().toISOString(), record_type: 'event' };
  return JSON.stringify({
    data: { ...data, payload },
    meta: { attempt: 1, delivered_to: 'https://messaging.example/api/webhooks/telnyx' },
  });
}

/** Sends an event as Telnyx does. */
export async function sendEvent(
  serviceUrl: string,
  body: string,
  headers: Record<string, string> = signedHeaders(body),
): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(`${serviceUrl}${WEBHOOK_PATH}`, { method: 'POST', headers, body });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

/** The payload of an inbound message. */
export function inboundPayload(more: object = {}): object {
  return {
    ...{ record_type: 'message', direction: 'inbound', id: randomUUID(), type: 'SMS', cc: [] },
    from: { phone_number: '+18045551234', carrier: '', line_type: 'Wireless' },
    to: [{ phone_number: '+12016661234', carrier: '', line_type: 'VoIP', status: 'webhook_delivered' }],
    ...{ text: 'Hello', media: [], received_at: new Date().toISOString(), errors: [] },
    ...more,
  };
}

/** The payload of a report about a message to these recipients. */
export function reportPayload(id: string, statuses: Record<string, string>, more: object = {}): object {
  return {
    ...{ record_type: 'message', direction: 'outbound', id, type: 'SMS', errors: [] },
    from: { phone_number: '+12016661234', carrier: '', line_type: 'VoIP' },
    to: Object.entries(statuses).map(([phone_number, status]) => ({ phone_number, status })),
    ...more,
  };
}
