import type { Capabilities } from '../capabilities.ts';
import { sendgridDialect } from './outcome.ts';

/**
 * Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations: at most 1,000 recipients, and less than 30 MB
 * with the attachments, which are sent in base64. Email Activity, which could find a message, is a paid addition.
 */
export const SENDGRID_CAPABILITIES: Capabilities = {
  mms: false,
  maxRecipients: 1_000,
  maxTextLength: null,
  maxSegments: null,
  copies: true,
  attachmentsBy: ['content'],
  maxAttachments: null,
  maxMediaBytes: 20_000_000,
  mediaTypes: null,
  idempotencyKeys: sendgridDialect.supportsIdempotencyKeys,
  lookUp: null,
  receipts: true,
  echo: true,
};
