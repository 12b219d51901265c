import type { Channel } from '../../channel.ts';
import type { Capabilities } from '../capabilities.ts';
import type { StandardSettings } from './config.ts';

/** The standard API (contracts/README.md) has no limits of its own. Whether it has keys and look-up depends on the gateway. */
export function standardCapabilities(
  channel: Channel,
  { supportsIdempotencyKeys, canLookUp }: StandardSettings,
): Capabilities {
  const isEmail = channel === 'email';
  return {
    mms: !isEmail,
    maxRecipients: null,
    maxTextLength: null,
    maxSegments: null,
    copies: isEmail,
    attachmentsBy: ['url'],
    maxAttachments: null,
    maxMediaBytes: null,
    mediaTypes: null,
    idempotencyKeys: supportsIdempotencyKeys,
    lookUp: canLookUp ? 'by_key' : null,
    receipts: true,
    echo: false,
  };
}
