import { keyInCallback } from './echo.ts';
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

/** The recipient of a look-up at Twilio, which has no key; null for any other call. */
export function recipientOfLookUp({ method, dialect, path }: Call): string | null {
  if (method !== 'GET' || dialect !== 'twilio') return null;
  return new URL(path, 'http://host').searchParams.get('To');
}
