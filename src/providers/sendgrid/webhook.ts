import type { KeyObject } from 'node:crypto';
import type { Verification } from '../provider.ts';
import type { IncomingWebhook, WebhookContent, WebhookResponse } from '../webhook.ts';
import { readEvents } from './events.ts';
import { isSignedBy, verificationKey } from './signature.ts';

const SIGNATURE = 'x-twilio-email-event-webhook-signature';
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp';
const HOUR_SECONDS = 60 * 60;
/** SendGrid repeats events for 24 hours. */
const MAX_AGE_SECONDS = 25 * HOUR_SECONDS;

/**
 * Verifies and reads the event webhook: an array of events.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
 *
 * @param publicKeys of the account, two during a rotation.
 */
export function sendgridWebhooks(publicKeys: readonly string[]) {
  const keys = publicKeys.map(verificationKey);
  return {
    webhookProcessing: 'direct' as const,
    verify: (webhook: IncomingWebhook) => verifySignature(webhook, keys, MAX_AGE_SECONDS),
    parse,
    respond,
  };
}

/** The response to every webhook of SendGrid, which reads the status only. */
export function respond(): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: '{}' };
}

/** @param maxAgeSeconds how long SendGrid repeats the webhook. */
export async function verifySignature(
  webhook: IncomingWebhook,
  keys: readonly KeyObject[],
  maxAgeSeconds: number,
): Promise<Verification> {
  const { [SIGNATURE]: signature, [TIMESTAMP]: timestamp } = webhook.headers;
  if (typeof signature !== 'string' || signature === '') return 'absent';
  const signed = { signature, timestamp: String(timestamp ?? '') };
  const time = { now: Date.now(), maxAgeSeconds };
  return (await isSignedBy(keys, signed, time, () => webhook.body())) ? 'valid' : 'invalid';
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const events = await webhook.json();
  return Array.isArray(events) ? readEvents(events) : null;
}
