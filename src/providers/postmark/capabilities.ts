import type { Capabilities } from '../capabilities.ts';
import { postmarkDialect } from './outcome.ts';

/**
 * Source: https://postmarkapp.com/developer/user-guide/send-email-with-api: at most 50 recipients in `To`, `Cc` and `Bcc`, and 10 MB
 * with the attachments, which are sent in base64.
 */
export const POSTMARK_CAPABILITIES: Capabilities = {
  mms: false,
  maxRecipients: 50,
  maxTextLength: null,
  maxSegments: null,
  copies: true,
  attachmentsBy: ['content'],
  maxAttachments: null,
  maxMediaBytes: 7_000_000,
  mediaTypes: null,
  idempotencyKeys: postmarkDialect.supportsIdempotencyKeys,
  lookUp: 'by_key',
  receipts: true,
  echo: true,
};
