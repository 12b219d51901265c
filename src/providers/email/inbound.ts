import type { MailFile } from '../../mail/parsed-mail.ts';
import type { InboundMail, WebhookContent } from '../webhook.ts';

/** The content of a webhook with one email, which has all values that are not given here. */
export function contentOf(mail: InboundMail, providerMessageId: string, payload: object): WebhookContent {
  const message = { from: null, to: null, body: null, attachments: null };
  return { messages: [{ ...message, providerMessageId, mail, payload }], receipts: [], optOuts: [] };
}

interface Part {
  name: string | null;
  contentType: string | null;
  contentId: string | null;
  content: Buffer;
}

/**
 * A file that a provider has taken out of an email.
 *
 * @param shown the content ids that the HTML shows.
 */
export function fileOf(
  shown: ReadonlySet<string>,
  { name, contentType, contentId, content }: Part,
): MailFile {
  const id = contentId?.trim().replace(/^cid:/i, '').replace(/^<|>$/g, '') || null;
  return {
    name,
    contentType: contentType?.split(';', 1)[0]?.trim().toLowerCase() || null,
    contentId: id,
    disposition: id !== null && shown.has(id) ? 'inline' : 'attachment',
    content,
  };
}
