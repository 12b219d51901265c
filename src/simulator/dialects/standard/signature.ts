import { createHmac } from 'node:crypto';

/**
 * The headers of one delivery of a webhook (Standard Webhooks 1.0.0).
 *
 * @param secret `whsec_` and base64.
 * @param id the same in every delivery of an event.
 * @param timestamp of this delivery, in whole seconds since 1970.
 */
export function sign(
  secret: string,
  id: string,
  timestamp: number,
  body: string | Buffer,
): Record<string, string> {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` };
}
