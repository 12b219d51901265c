import { randomUUID } from 'node:crypto';

/** Whether the provider refuses this recipient. */
export function emailRefuses(to: string): boolean {
  return to.startsWith('reject@');
}

/** The webhook of an inbound email; fields that are not given have defaults. */
export function inboundEmail(fields: Record<string, unknown>): object {
  return {
    from: 'contact@gmail.com',
    to: 'user@usehatchapp.com',
    xillio_id: `in_${randomUUID()}`,
    body: 'Hello',
    attachments: [],
    timestamp: new Date().toISOString(),
    ...fields,
  };
}
