import type { Capabilities } from '../capabilities.ts';
import { CONTENT_TYPES, MAX_MEDIA_BYTES } from './files.ts';
import { telnyxDialect } from './outcome.ts';

/**
 * Sources: https://developers.telnyx.com/api-reference/messages/send-a-message (text, media, callbacks);
 * https://developers.telnyx.com/docs/messaging/messages/group-messaging (recipients). An SMS has at most 10 parts with 153
 * characters each, or 67 with characters outside GSM-7 (code 40302). A message can be looked up by its Telnyx id only, which is
 * unknown after an uncertain send.
 */
export const TELNYX_CAPABILITIES: Capabilities = {
  mms: true,
  maxRecipients: 8,
  maxTextLength: 1_530,
  maxSegments: 10,
  copies: false,
  attachmentsBy: ['url'],
  maxAttachments: 10,
  maxMediaBytes: MAX_MEDIA_BYTES,
  mediaTypes: CONTENT_TYPES,
  idempotencyKeys: telnyxDialect.supportsIdempotencyKeys,
  lookUp: null,
  receipts: true,
  echo: true,
};
