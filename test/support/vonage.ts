import { generateKeyPairSync } from 'node:crypto';
import { authorizationOf } from '../../src/simulator/dialects/vonage/signature.ts';

export const APPLICATION_ID = 'aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab';
export const API_KEY = 'a1b2c3d4';
export const API_SECRET = 'the-secret-of-the-key';
export const SIGNATURE_SECRET = 'ZYtdTtGV3BCFN7tWmOWr1md66XsquMggr4W2cTtXtcPgfnI0Xw';
export const WEBHOOK_PATH = '/api/webhooks/vonage';

const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
/** The key of the application, made for each run. */
export const PRIVATE_KEY = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
export const PUBLIC_KEY = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** The account of a simulator that checks every credential. */
export const SIMULATED = {
  apiKey: SIGNATURE_SECRET,
  vonage: {
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    applicationId: APPLICATION_ID,
    publicKey: PUBLIC_KEY,
  },
};

/** The variables of an account, whose calls go to `url`. */
export function vonageAccount(
  url: string,
  { prefix = 'VONAGE', secrets = SIGNATURE_SECRET }: { prefix?: string; secrets?: string } = {},
): Record<string, string> {
  return {
    [`${prefix}_URL`]: url,
    [`${prefix}_API_KEY`]: API_KEY,
    [`${prefix}_APPLICATION_ID`]: APPLICATION_ID,
    [`${prefix}_PRIVATE_KEY`]: PRIVATE_KEY,
    [`${prefix}_SIGNATURE_SECRET`]: secrets,
  };
}

/** The environment of a service with one Vonage account. */
export function vonageEnvironment(url: string): Record<string, string> {
  return { SMS_PROVIDERS: 'vonage', PUBLIC_URL: 'https://messaging.example', ...vonageAccount(url) };
}

/** The header `Authorization` of a webhook, as Vonage signs it. */
export function signatureOf(body: string, secret = SIGNATURE_SECRET, at?: number): string {
  return authorizationOf({ secret, apiKey: API_KEY, applicationId: APPLICATION_ID }, body, at);
}

/** A UUID that no other number has. */
export function uuidOf(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** The body of an inbound SMS. */
export function inboundEvent(event: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ...{ channel: 'sms', message_type: 'text', message_uuid: uuidOf(1), text: 'Hello' },
    ...{ from: '18045551234', to: '12016661234', timestamp: '2026-11-26T10:00:02Z' },
    ...event,
  };
}

/** The body of a status webhook. */
export function statusEvent(
  id: string,
  status: string,
  event: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    ...{ message_uuid: id, status, channel: 'sms', timestamp: '2026-11-26T10:00:02Z' },
    ...{ from: '12016661234', to: '18045551234' },
    ...event,
  };
}

export interface Callback {
  event: object;
  /** The header `Authorization`; null for none. */
  authorization?: string | null;
}

/** Sends a webhook as Vonage does. */
export async function sendCallback(
  serviceUrl: string,
  { event, authorization }: Callback,
): Promise<{ status: number; retryAfter: string | null; body: string }> {
  const body = JSON.stringify(event);
  const signature = authorization === undefined ? signatureOf(body) : authorization;
  const response = await fetch(serviceUrl + WEBHOOK_PATH, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature !== null && { authorization: signature }),
    },
    body,
  });
  const retryAfter = response.headers.get('retry-after');
  return { status: response.status, retryAfter, body: await response.text() };
}
