import type { Channel } from '../../../channel.ts';
import type { Capabilities } from '../../../providers/capabilities.ts';

/** What an account can send, and what its provider guarantees, in words. */
export function describeCapabilities(channel: Channel, capabilities: Capabilities): Record<string, string> {
  const { mms, maxRecipients, maxTextLength, maxSegments } = capabilities;
  const { maxAttachments, maxMediaBytes, mediaTypes } = capabilities;
  const { idempotencyKeys, lookUp, receipts } = capabilities;
  const types = { email: 'email', sms: mms ? 'SMS and MMS' : 'SMS' }[channel];
  const limits = [
    maxRecipients === 1 && 'one recipient per message',
    maxRecipients !== null && maxRecipients > 1 && `at most ${maxRecipients} recipients`,
    maxTextLength !== null && `at most ${maxTextLength} characters`,
    maxSegments !== null && `at most ${maxSegments} segments`,
    maxAttachments !== null && `at most ${maxAttachments} attachment${maxAttachments === 1 ? '' : 's'}`,
    maxMediaBytes !== null && `at most ${maxMediaBytes / 1_000} kB of stored files`,
    mediaTypes !== null && `stored files of ${mediaTypes.size} types`,
  ];
  const guarantees = [
    idempotencyKeys && 'idempotency keys',
    lookUp === 'by_key' && 'look-up by key',
    lookUp === 'by_circumstances' && 'look-up by sender, recipient, time and text',
    receipts && 'receipts',
  ];
  return { Sends: join([types, ...limits]), Guarantees: join(guarantees) || 'none' };
}

function join(parts: (string | false)[]): string {
  return parts.filter((part) => part !== false).join(', ');
}
