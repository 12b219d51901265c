import { randomUUID } from 'node:crypto';

/** What is wrong with a request to send an email; null where nothing is. */
export function emailFault({ from, to, body }: Record<string, unknown>): string | null {
  if (!isAddress(from)) return 'from must be an email address';
  if (![to].flat().every(isAddress) || [to].flat().length === 0)
    return 'to must be an email address or a list';
  return typeof body === 'string' ? null : 'body must be a string';
}

/** Mailboxes that the provider refuses. */
export function emailRefuses(to: string): boolean {
  return to.startsWith('reject@');
}

/** An inbound email as the provider delivers it; what `fields` leave out is made up. */
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
