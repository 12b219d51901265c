import { randomUUID } from 'node:crypto';

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
