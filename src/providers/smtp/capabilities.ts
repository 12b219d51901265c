import type { Capabilities } from '../capabilities.ts';

/**
 * RFC 5321 has neither idempotency keys, nor a look-up, nor receipts: a mail server reports a bounce by an email. The max bytes of
 * files are the limit of the service for the files of one message. The max size of an email of a server is known only in a session
 * (RFC 1870), so that the server or the session refuses a larger email.
 */
export const SMTP_CAPABILITIES: Capabilities = {
  mms: false,
  maxRecipients: null,
  maxTextLength: null,
  maxSegments: null,
  copies: true,
  attachmentsBy: ['content'],
  maxAttachments: null,
  maxMediaBytes: 26_214_400,
  mediaTypes: null,
  idempotencyKeys: false,
  lookUp: null,
  receipts: false,
  echo: false,
};
