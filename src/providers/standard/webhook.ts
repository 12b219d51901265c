import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Channel } from '../../channel.ts';
import { messageIdsIn } from '../../mail/message-ids.ts';
import { isMessageId } from '../http/failure.ts';
import type { Verification } from '../provider.ts';
import type {
  DeclaredFile,
  InboundContent,
  IncomingWebhook,
  ReceiptContent,
  WebhookContent,
  WebhookResponse,
} from '../webhook.ts';
import { isSigned, signingKey, type WebhookSignature } from './signature.ts';

/**
 * Verifies and reads the webhooks of the standard API: Standard Webhooks 1.0.0, `v1` (HMAC-SHA256 over
 * `{id}.{timestamp}.{body}`). A body with `status` is a receipt, any other body with a sender or a recipient is a message.
 *
 * @param secrets `whsec_…`, two during a rotation; without a secret, every webhook is valid.
 */
export function standardWebhooks(channel: Channel, secrets: readonly string[]) {
  const keys = secrets.map(signingKey);
  return {
    webhookProcessing: 'direct' as const,
    verify: async (webhook: IncomingWebhook) =>
      keys.length === 0 ? ('valid' as const) : verifyStandardWebhook(webhook, keys),
    parse: (webhook: IncomingWebhook) => parse(webhook, channel),
    respond: (): WebhookResponse => ({ status: 200, contentType: 'application/json', body: '{}' }),
  };
}

/** Verifies a webhook by its Standard Webhooks signature, by at least one key. */
export async function verifyStandardWebhook(
  webhook: IncomingWebhook,
  keys: readonly KeyObject[],
): Promise<Verification> {
  const signature = signatureIn(webhook.headers);
  if (signature === null) return 'absent';
  return (await isSigned(signature, keys, Date.now(), () => webhook.body())) ? 'valid' : 'invalid';
}

async function parse(webhook: IncomingWebhook, channel: Channel): Promise<WebhookContent | null> {
  const event = (await webhook.json()) as Record<string, unknown> | null;
  if (typeof event !== 'object' || event === null) return null;
  const id = channel === 'sms' ? event.messaging_provider_id : event.xillio_id;
  const providerMessageId = typeof id === 'number' ? String(id) : id;
  if (!isMessageId(providerMessageId)) return null;
  if (!isMissing(event.status))
    return { messages: [], receipts: [toReceipt(channel, event, providerMessageId)], optOuts: [] };
  // A webhook about another event has no addresses.
  if ([event.from, event.to, event.cc].every(isMissing)) return null;
  return { messages: [toMessage(channel, event, providerMessageId)], receipts: [], optOuts: [] };
}

function isMissing(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return value === undefined || value === null || (Array.isArray(value) && value.every(isMissing));
}

/** @param event a webhook of `InboundSms` or `InboundEmail` in openapi.yaml. */
export function toMessage(
  channel: Channel,
  event: Readonly<Record<string, unknown>>,
  providerMessageId: string,
): InboundContent {
  const { type, from, to, cc, subject, body, attachments, timestamp } = event;
  return {
    ...{ providerMessageId, type, from, to, cc, subject, body, attachments, timestamp },
    ...(channel === 'email' && partsOfEmail(event)),
    payload: event,
  };
}

function partsOfEmail(event: Readonly<Record<string, unknown>>): Pick<InboundContent, 'email' | 'files'> {
  const { body_type, text, headers, message_id, in_reply_to, references, files } = event;
  return {
    email: { bodyType: body_type, text, headers, messageId: message_id, inReplyTo: in_reply_to, references },
    ...(Array.isArray(files) && { files: files.map(toFile) }),
  };
}

function toFile(file: unknown): DeclaredFile {
  const { content_type, filename } = (file ?? {}) as { content_type?: unknown; filename?: unknown };
  return { contentType: content_type, name: filename };
}

/** @param event a webhook of `SmsReceipt` or `EmailReceipt` in openapi.yaml. */
export function toReceipt(
  channel: Channel,
  event: Readonly<Record<string, unknown>>,
  providerMessageId: string,
): ReceiptContent {
  const { recipient, status, bounce, error, timestamp, message_id } = event;
  const [wireMessageId] =
    channel === 'email' && typeof message_id === 'string' ? messageIdsIn(message_id) : [];
  return {
    ...{ providerMessageId, echo: null, recipient, status, bounce, error, timestamp },
    ...(wireMessageId !== undefined && { wireMessageId }),
    payload: event,
  };
}

function signatureIn(headers: IncomingHttpHeaders): WebhookSignature | null {
  if (headers['webhook-signature'] === undefined) return null;
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name] ?? ''),
  ) as [string, string, string];
  return { id, timestamp, signature };
}
