import type { Capabilities } from '../capabilities.ts';

/**
 * RFC 5321 has neither idempotency keys, nor a look-up, nor receipts: a mail server reports a bounce by an email. The max size of an
 * email is known only in a session (RFC 1870), so that the server or the session refuses a larger one.
 */
export const SMTP_CAPABILITIES: Capabilities = {
  mms: false,
  maxRecipients: null,
  maxTextLength: null,
  maxSegments: null,
  copies: true,
  html: true,
  attachmentsBy: ['content'],
  maxAttachments: null,
  maxMediaBytes: null,
  mediaTypes: null,
  idempotencyKeys: false,
  lookUp: null,
  receipts: false,
  echo: false,
};
