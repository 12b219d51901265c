import { createHmac } from 'node:crypto';

export const ACCOUNT_SID = `AC${'0123456789abcdef'.repeat(2)}`;
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
export const PUBLIC_URL = 'https://messaging.example';
export const WEBHOOK_PATH = '/api/webhooks/twilio';

/** The environment of a service with one Twilio account, whose calls go to `url`. */
export function twilioEnvironment(url: string): Record<string, string> {
  return {
    ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: url, PUBLIC_URL },
    ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
  };
}

/** `X-Twilio-Signature` of a form that is sent to a URL. */
export function signatureOf(url: string, form: Record<string, string>, token = AUTH_TOKEN): string {
  const parameters = Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`)
    .join('');
  return createHmac('sha1', token).update(`${url}${parameters}`).digest('base64');
}

export interface Callback {
  form: Record<string, string>;
  path?: string;
  token?: string;
  /** The URL that the signature covers; default: the public URL of `path`. */
  signedUrl?: string;
  signature?: string;
}

/** Sends a webhook as Twilio does. */
export async function sendCallback(
  serviceUrl: string,
  { form, path = WEBHOOK_PATH, token, signedUrl = `${PUBLIC_URL}${path}`, signature }: Callback,
): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(`${serviceUrl}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signature ?? signatureOf(signedUrl, form, token),
    },
    body: new URLSearchParams(form).toString(),
  });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

/** The form of an inbound message. */
export function inboundForm(form: Record<string, string> = {}): Record<string, string> {
  return {
    ...{ MessageSid: sidOf(1), AccountSid: ACCOUNT_SID, From: '+18045551234', To: '+12016661234' },
    ...{ Body: 'Hello', NumMedia: '0', NumSegments: '1', ApiVersion: '2010-04-01' },
    ...form,
  };
}

/** The form of a status callback. */
export function statusForm(sid: string, status: string, form: Record<string, string> = {}) {
  return {
    ...{ MessageSid: sid, SmsSid: sid, AccountSid: ACCOUNT_SID, MessageStatus: status, SmsStatus: status },
    ...form,
  };
}

export function sidOf(n: number): string {
  return `SM${n.toString(16).padStart(32, '0')}`;
}
