import { MAX_MAIL_BYTES } from '../../mail/read-mail.ts';
import { readReturnPath } from '../../mail/return-path.ts';
import { signingKey } from '../standard/signature.ts';
import { verifyStandardWebhook } from '../standard/webhook.ts';
import type { IncomingWebhook, WebhookContent } from '../webhook.ts';
import type { WebhookAccount } from '../webhook-account.ts';

/** The account of emails that a mail server passes on. No configured account has this name. */
export const MIME_ACCOUNT = 'mime';

/**
 * Receives emails from any mail server that can call a program for each email: the body of the webhook is the email as it arrived,
 * and its query the envelope. Signed by Standard Webhooks 1.0.0.
 *
 * @param secrets `whsec_…`, two during a rotation; without a secret, no webhook is valid.
 */
export function createMimeAccount(secrets: readonly string[]): WebhookAccount {
  const keys = secrets.map(signingKey);
  return {
    ...{ name: MIME_ACCOUNT, kind: MIME_ACCOUNT, channel: 'email', senders: null, consentReplies: null },
    isSimulated: false,
    webhookProcessing: 'inbox',
    maxWebhookBytes: MAX_MAIL_BYTES,
    answersOptOuts: () => false,
    verify: async (webhook) => (keys.length === 0 ? 'invalid' : verifyStandardWebhook(webhook, keys)),
    parse,
    respond: () => ({ status: 200, contentType: 'application/json', body: '{}' }),
  };
}

/** Max recipients and characters of the envelope that are read: as many as an email can have, and more than an address has. */
const MAX_RECIPIENTS = 300;
const MAX_ADDRESS = 998;

async function parse(webhook: IncomingWebhook): Promise<WebhookContent> {
  // Scripts that do not encode a `+` mean the character: an address has no space.
  const query = new URLSearchParams(webhook.target.split('?')[1]?.replaceAll('+', '%2B'));
  const recipients = query.getAll('recipient').filter(({ length }) => length > 0 && length <= MAX_ADDRESS);
  const envelope = {
    sender: query.get('sender')?.slice(0, MAX_ADDRESS) ?? null,
    recipients: recipients.slice(0, MAX_RECIPIENTS),
  };
  const mail = {
    content: { raw: await webhook.body() },
    envelopeFrom: envelope.sender === null ? undefined : readReturnPath(envelope.sender),
    envelopeTo: envelope.recipients,
    spam: null,
  };
  // The email has the other values.
  const message = { providerMessageId: '', from: null, to: null, body: null, attachments: null };
  return { messages: [{ ...message, mail, payload: envelope }], receipts: [], optOuts: [] };
}
