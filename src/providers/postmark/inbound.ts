import { messageIdIn, messageIdsIn } from '../../mail/message-ids.ts';
import type { ParsedMail } from '../../mail/parsed-mail.ts';
import { contentIdsIn } from '../../mail/read-mail.ts';
import { readReturnPath } from '../../mail/return-path.ts';
import { contentOf, fileOf } from '../email/inbound.ts';
import { isObject, type JsonObject, textOf } from '../email/json.ts';
import type { BasicCredentials } from '../http/basic-auth.ts';
import { isMessageId } from '../http/failure.ts';
import type { InboundWebhooks } from '../provider.ts';
import type { InboundMail, IncomingWebhook, WebhookContent } from '../webhook.ts';
import { respond, verify } from './webhook.ts';

type Header = ParsedMail['headers'][number];

/** An email of 35 MB, which is Postmark's limit, in base64. */
const MAX_BYTES = 52_428_800;
const MAX_ADDRESSES = 1_000;
const REPLACEMENT = '\ufffd';

/**
 * Verifies and reads the webhooks of inbound email.
 * Source: https://postmarkapp.com/developer/webhooks/inbound-webhook
 */
export function postmarkInbound(credentials: BasicCredentials): InboundWebhooks {
  return {
    headers: [],
    maxBytes: MAX_BYTES,
    verify: (webhook) => verify(webhook, credentials),
    parse,
    respond,
  };
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const event = await webhook.json();
  // A webhook of an email that was sent has a `RecordType`.
  if (!isObject(event) || event.RecordType !== undefined || !isMessageId(event.MessageID)) return null;
  const headers = headersIn(event);
  const value = (name: string) => headers.find((header) => header.name === name)?.value ?? null;
  const recipient = textOf(event.OriginalRecipient);
  const returnPath = value('return-path');
  const mail: InboundMail = {
    content: contentIn(event, headers),
    envelopeFrom: returnPath === null ? undefined : readReturnPath(returnPath),
    envelopeTo: recipient === null ? [] : [recipient],
    spam: spamOf(value('x-spam-score'), value('x-spam-status')),
    strippedText: textOf(event.StrippedTextReply),
  };
  const { MessageID, OriginalRecipient, MailboxHash, MessageStream, Tag } = event;
  return contentOf(mail, MessageID as string, {
    MessageID,
    OriginalRecipient,
    MailboxHash,
    MessageStream,
    Tag,
  });
}

/** The whole email, if the inbound stream includes it and it is text in one charset; otherwise the parts of the webhook. */
function contentIn(event: JsonObject, headers: readonly Header[]): InboundMail['content'] {
  const { RawEmail: raw } = event;
  if (typeof raw === 'string' && raw !== '' && !raw.includes(REPLACEMENT)) return { raw: Buffer.from(raw) };
  return { parsed: readParts(event, headers) };
}

function readParts(event: JsonObject, headers: readonly Header[]): ParsedMail {
  const all = (name: string) => headers.filter((header) => header.name === name).map(({ value }) => value);
  const html = textOf(event.HtmlBody);
  const shown = contentIdsIn(html);
  return {
    from: mailboxesOf(event.FromFull)[0] ?? textOf(event.From),
    to: listOf(event.ToFull, event.To),
    cc: listOf(event.CcFull, event.Cc),
    replyTo: textOf(event.ReplyTo),
    subject: textOf(event.Subject),
    date: textOf(event.Date),
    messageId: messageIdIn(all('message-id')[0] ?? null),
    inReplyTo: messageIdsIn(all('in-reply-to')[0] ?? null),
    references: messageIdsIn(all('references').join(' ')),
    headers,
    text: textOf(event.TextBody),
    html,
    files: (Array.isArray(event.Attachments) ? event.Attachments : []).filter(isObject).map((each) =>
      fileOf(shown, {
        name: textOf(each.Name),
        contentType: textOf(each.ContentType),
        contentId: textOf(each.ContentID),
        content: Buffer.from(textOf(each.Content) ?? '', 'base64'),
      }),
    ),
  };
}

function headersIn({ Headers }: JsonObject): Header[] {
  return (Array.isArray(Headers) ? Headers : [])
    .filter(isObject)
    .flatMap(({ Name, Value }) =>
      typeof Name === 'string' && typeof Value === 'string'
        ? [{ name: Name.toLowerCase(), value: Value }]
        : [],
    );
}

function listOf(full: unknown, text: unknown): string[] {
  const mailboxes = mailboxesOf(full);
  return mailboxes.length > 0 ? mailboxes : [textOf(text) ?? []].flat();
}

/** The addresses with their names, as a header has them. */
function mailboxesOf(full: unknown): string[] {
  return [full]
    .flat()
    .slice(0, MAX_ADDRESSES)
    .filter(isObject)
    .flatMap(({ Email, Name }) => {
      const [address, name] = [textOf(Email), textOf(Name)];
      if (address === null) return [];
      return name === null ? [address] : [`"${name.replaceAll(/[\\"]/g, '\\$&')}" <${address}>`];
    });
}

function spamOf(score: string | null, status: string | null): InboundMail['spam'] {
  const number = Number.parseFloat(score ?? '');
  const flagged = status === null ? null : /^\s*yes\b/i.test(status);
  if (!Number.isFinite(number) && flagged === null) return null;
  return { score: Number.isFinite(number) ? number : null, flagged };
}
