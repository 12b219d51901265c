import type { AcceptedMessage, Call } from './evidence.ts';

/** Twilio's statuses in the words of the service; any other status is kept as it is. */
const STATUSES: Record<string, string> = { sending: 'sent', accepted: 'queued', canceled: 'failed' };

/** A message of Twilio with the fields of the other providers, and with the delivery key that its callback URL names. */
export function fromTwilio(accepted: AcceptedMessage): AcceptedMessage {
  const { To, From, Body, MediaUrl, SendAsMms, StatusCallback } = accepted.request;
  const attachments = [MediaUrl ?? []].flat();
  const isMms = attachments.length > 0 || SendAsMms === 'true';
  return {
    ...accepted,
    idempotency_key: keyInCallback(StatusCallback),
    request: { type: isMms ? 'mms' : 'sms', from: From, to: To, body: Body, attachments },
    receipts: accepted.receipts.map((receipt) => ({
      ...receipt,
      status: STATUSES[receipt.status] ?? receipt.status,
    })),
  };
}

/** The delivery key in a callback URL (`?echo=<id in base 36>-<key in base64url>`); null for any other text. */
export function keyInCallback(url: unknown): string | null {
  const [, key] = /[?&]echo=[0-9a-z]+-([\w-]{22})$/.exec(String(url)) ?? [];
  if (key === undefined) return null;
  const hex = Buffer.from(key, 'base64url').toString('hex');
  return /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex)?.slice(1).join('-') ?? null;
}

/** The recipient of a look-up at Twilio, which has no key; null for any other call. */
export function recipientOfLookUp({ method, dialect, path }: Call): string | null {
  if (method !== 'GET' || dialect !== 'twilio') return null;
  return new URL(path, 'http://host').searchParams.get('To');
}
