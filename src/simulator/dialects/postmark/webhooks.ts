import { hash, randomUUID } from 'node:crypto';
import { addressIn, bytesOf, type InboundEmail, inboundEmail } from '../../email/inbound.ts';
import type { ProviderFile } from '../../media/files.ts';
import { webhookUrlOf } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Answer } from '../../webhook-client.ts';

/** The credentials in the URL of the webhooks. */
export interface WebhookCredentials {
  user: string;
  password: string;
}

/** The credentials of a simulator without credentials of its own. */
export function credentialsOf(webhookSecret = 'simulated-webhook-secret'): WebhookCredentials {
  return { user: 'postmark', password: hash('sha256', `postmark ${webhookSecret}`, 'hex') };
}

/** Posts a webhook about an email that was sent. */
export function postEvent(
  simulation: Simulation,
  credentials: WebhookCredentials,
  event: object,
): Promise<Answer> {
  const { unknown_fields } = simulation.settings.postmark;
  const body = { ...event, ...(unknown_fields && { Future: { Field: [1] } }) };
  return post(simulation, credentials, webhookUrlOf(simulation, 'postmark'), body);
}

/** Posts an inbound email. */
export function postInbound(
  simulation: Simulation,
  credentials: WebhookCredentials,
  fields: Record<string, unknown>,
  files: readonly ProviderFile[],
): Promise<Answer> {
  const body = inboundBody(inboundEmail(fields, files));
  return post(simulation, credentials, `${webhookUrlOf(simulation, 'postmark')}/inbound`, body);
}

function post(
  simulation: Simulation,
  { user, password }: WebhookCredentials,
  url: string,
  body: object,
): Promise<Answer> {
  const headers = {
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    ...{ 'content-type': 'application/json', 'user-agent': 'Postmark' },
  };
  return simulation.webhooks.post(url, { dialect: 'postmark', headers, body: JSON.stringify(body) });
}

/** Source: https://postmarkapp.com/developer/webhooks/inbound-webhook */
function inboundBody(email: InboundEmail): object {
  const { from, to, cc, subject, text, html, messageId, inReplyTo, references, date, files } = email;
  const full = (mailbox: string) => ({
    ...{
      Email: addressIn(mailbox),
      Name: mailbox
        .replace(/<[^<>]*>\s*$/, '')
        .replaceAll('"', '')
        .trim(),
    },
    MailboxHash: '',
  });
  const headers = {
    'Return-Path': `<${addressIn(from)}>`,
    ...{ 'X-Spam-Status': 'No', 'X-Spam-Score': '-0.1', 'Message-ID': messageId },
    ...(inReplyTo !== null && { 'In-Reply-To': inReplyTo }),
    ...(references.length > 0 && { References: references.join(' ') }),
  };
  const named = (mailbox: string) => (mailbox.includes('<') ? full(mailbox) : { ...full(mailbox), Name: '' });
  return {
    ...{ FromName: named(from).Name, MessageStream: 'inbound', From: addressIn(from), FromFull: named(from) },
    ...{ To: to, ToFull: [named(to)], Cc: cc.join(', '), CcFull: cc.map(named), Bcc: '', BccFull: [] },
    ...{ OriginalRecipient: addressIn(to), Subject: subject, MessageID: randomUUID(), ReplyTo: '' },
    ...{ MailboxHash: '', Date: date.toUTCString().replace('GMT', '+0000'), TextBody: text },
    ...{ HtmlBody: html ?? '', StrippedTextReply: '', Tag: '' },
    Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
    Attachments: files.map((file) => ({
      ...{ Name: file.name ?? 'file', Content: bytesOf(file).toString('base64') },
      ...{ ContentType: file.contentType, ContentLength: file.size, ContentID: '' },
    })),
  };
}
