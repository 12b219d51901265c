import { randomUUID } from 'node:crypto';

/** The first error of a request to send an email; null if the request is valid. */
export function emailFault({ from, to, body }: Record<string, unknown>): string | null {
  if (!isAddress(from)) return 'from must be an email address';
  if (![to].flat().every(isAddress) || [to].flat().length === 0)
    return 'to must be an email address or a list';
  return typeof body === 'string' ? null : 'body must be a string';
}

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

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && value.includes('@');
}
