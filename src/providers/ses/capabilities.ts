import type { Capabilities } from '../capabilities.ts';
import { sesDialect } from './outcome.ts';

/**
 * Source: https://docs.aws.amazon.com/ses/latest/dg/quotas.html (50 recipients; 40 MB for the MIME message, in which attachments
 * are a third longer). SES has neither idempotency keys nor a look-up by a value of the service; the tag of a message is in its
 * events.
 */
export const SES_CAPABILITIES: Capabilities = {
  mms: false,
  maxRecipients: 50,
  maxTextLength: null,
  maxSegments: null,
  copies: true,
  attachmentsBy: ['content'],
  maxAttachments: null,
  maxMediaBytes: 28_000_000,
  mediaTypes: null,
  idempotencyKeys: sesDialect.supportsIdempotencyKeys,
  lookUp: null,
  receipts: true,
  echo: true,
};
