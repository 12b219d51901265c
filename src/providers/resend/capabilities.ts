import type { Capabilities } from '../capabilities.ts';
import { resendDialect } from './outcome.ts';

/**
 * Sources: https://resend.com/docs/api-reference/emails/send-email (50 recipients in `to`; 40 MB for the whole email, in which
 * attachments are a third longer); https://resend.com/docs/dashboard/emails/idempotency-keys (24 hours). Its ids cannot be looked
 * up by a value of the service.
 */
export const RESEND_CAPABILITIES: Capabilities = {
  mms: false,
  maxRecipients: 50,
  maxTextLength: null,
  maxSegments: null,
  copies: true,
  attachmentsBy: ['content'],
  maxAttachments: null,
  maxMediaBytes: 28_000_000,
  mediaTypes: null,
  idempotencyKeys: resendDialect.supportsIdempotencyKeys,
  idempotencyKeyHours: 24,
  lookUp: null,
  receipts: true,
  echo: true,
};
