import type { Capabilities } from '../capabilities.ts';
import { CONTENT_TYPES, MAX_MEDIA_BYTES } from './files.ts';
import { twilioDialect } from './outcome.ts';

/**
 * Sources: https://www.twilio.com/docs/messaging/api/message-resource (text, media, callbacks, list);
 * https://www.twilio.com/docs/api/errors/21617 (longest text); group messages exist in the Conversations API only.
 */
export const TWILIO_CAPABILITIES: Capabilities = {
  mms: true,
  maxRecipients: 1,
  maxTextLength: 1_600,
  maxSegments: null,
  copies: false,
  attachmentsBy: ['url'],
  maxAttachments: 10,
  maxMediaBytes: MAX_MEDIA_BYTES,
  mediaTypes: CONTENT_TYPES,
  idempotencyKeys: twilioDialect.supportsIdempotencyKeys,
  lookUp: 'by_circumstances',
  receipts: true,
  echo: true,
};
