import { randomUUID } from 'node:crypto';

/** The first error of a request to send a text message; null if the request is valid. */
export function smsFault({ from, to, type, body }: Record<string, unknown>): string | null {
  if (typeof from !== 'string') return 'from must be a string';
  if (typeof to !== 'string' && !isStrings(to)) return 'to must be a string or a list of strings';
  if (type !== 'sms' && type !== 'mms') return 'type must be sms or mms';
  return typeof body === 'string' ? null : 'body must be a string';
}

/** Whether the provider refuses this recipient. */
export function smsRefuses(to: string): boolean {
  return to.endsWith('0000009');
}

/** The webhook of an inbound text message; fields that are not given have defaults. */
export function inboundSms(fields: Record<string, unknown>): object {
  return {
    from: '+18045551234',
    to: '+12016661234',
    type: Array.isArray(fields.attachments) && fields.attachments.length > 0 ? 'mms' : 'sms',
    messaging_provider_id: `in_${randomUUID()}`,
    body: 'Hello',
    attachments: null,
    timestamp: new Date().toISOString(),
    ...fields,
  };
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}
