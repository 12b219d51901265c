import { hasText } from '../messaging/recording/inbound-values.ts';
import type { NewMessage } from '../messaging/recording/new-message.ts';
import { toStorable } from '../messaging/storable.ts';
import type { InboundContent } from '../providers/webhook.ts';
import { WebhookFault } from './fault.ts';

/**
 * The content as PostgreSQL can store it. Only the payload, which has every field of the webhook, may lose NUL characters:
 * unknown fields change nothing.
 *
 * @throws {WebhookFault} if a field that the service reads has a NUL character.
 */
export function storable<T extends object>(content: T): T {
  for (const [name, value] of Object.entries(content))
    if (name !== 'payload' && hasNul(value))
      throw new WebhookFault('unstorable_text', `The field "${name}" has a NUL character.`);
  return toStorable(content);
}

function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNul);
}

/**
 * Refuses a text message from or to an address of another network, such as `whatsapp:+18045551234`: a reply would go to the
 * wrong place. A withheld number is no address; an email may have any sender (docs/decisions/inbound-messages.md).
 *
 * @throws {WebhookFault} if the sender is no address of a known type, or none of the recipients is.
 */
export function checkAddresses({ channel, sender, row }: NewMessage, { from, to }: InboundContent): void {
  if (channel === 'email') return;
  if (sender.type === 'other' && hasText(from))
    throw new WebhookFault('unknown_address', 'The sender is no address of a known type.');
  if (row.to.length === 0 && hasText(to))
    throw new WebhookFault('unknown_address', 'No recipient is an address of a known type.');
}
