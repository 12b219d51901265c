import type { Capabilities } from '../capabilities.ts';
import { CONTENT_TYPES, MAX_FILE_BYTES } from './files.ts';
import { vonageDialect } from './outcome.ts';

/**
 * Sources: https://developer.vonage.com/en/api/messages (one recipient, text of 1,000 characters, one media file of each MMS,
 * `client_ref` in every status webhook; no list and no search of messages).
 */
export const VONAGE_CAPABILITIES: Capabilities = {
  mms: true,
  maxRecipients: 1,
  maxTextLength: 1_000,
  maxSegments: null,
  copies: false,
  attachmentsBy: ['url'],
  maxAttachments: 1,
  maxMediaBytes: MAX_FILE_BYTES,
  mediaTypes: CONTENT_TYPES,
  idempotencyKeys: vonageDialect.supportsIdempotencyKeys,
  lookUp: null,
  receipts: true,
  echo: true,
};
