import type { KeyObject } from 'node:crypto';
import { isMessageId } from '../http/failure.ts';
import type { Verification } from '../provider.ts';
import type { IncomingWebhook, WebhookContent, WebhookResponse } from '../webhook.ts';
import { isObject, type TelnyxEvent } from './event.ts';
import { readInbound } from './inbound.ts';
import { readReceipts } from './receipts.ts';
import { isSignedBy, verificationKey } from './signature.ts';

/** The query parameter of a callback URL that names the message. */
export const ECHO = 'echo';

/**
 * Verifies and reads Telnyx's webhooks: inbound messages and delivery reports, at one URL.
 * Source: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
 *
 * @param publicKeys of the account, two during a rotation.
 */
export function telnyxWebhooks(publicKeys: readonly string[]) {
  const keys = publicKeys.map(verificationKey);
  return {
    webhookProcessing: 'direct' as const,
    verify: (webhook: IncomingWebhook) => verify(webhook, keys),
    parse,
    respond: (): WebhookResponse => ({ status: 200, contentType: 'application/json', body: '{}' }),
  };
}

async function verify(webhook: IncomingWebhook, keys: readonly KeyObject[]): Promise<Verification> {
  const { 'telnyx-signature-ed25519': signature, 'telnyx-timestamp': timestamp } = webhook.headers;
  if (typeof signature !== 'string' || signature === '') return 'absent';
  const signed = { signature, timestamp: String(timestamp ?? '') };
  return (await isSignedBy(keys, signed, Date.now(), () => webhook.body())) ? 'valid' : 'invalid';
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const whole = await webhook.json();
  if (!isObject(whole) || !isObject(whole.data) || !isObject(whole.data.payload)) return null;
  const { data } = whole;
  const { payload } = whole.data;
  if (!isObject(data) || !isObject(payload) || !isMessageId(payload.id)) return null;
  const event: TelnyxEvent = { whole, data, payload, messageId: payload.id };
  if (data.event_type === 'message.received') return readInbound(event);
  // Every other event of a message that was sent reports the statuses of its recipients.
  const isReport = String(data.event_type).startsWith('message.') && payload.direction !== 'inbound';
  return isReport ? readReceipts(event, ECHO) : null;
}
