import type { KeyObject } from 'node:crypto';
import type { Verification } from '../provider.ts';
import { isSigned, signingKey } from '../standard/signature.ts';
import type { IncomingWebhook, WebhookContent, WebhookResponse } from '../webhook.ts';
import { readEvent } from './events.ts';

/** The id of an event, which its body does not have. */
const ID = 'svix-id';

/**
 * Verifies and reads the webhooks of Resend, which are signed as Standard Webhooks, with other names of the headers.
 * Source: https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests
 *
 * @param secrets `whsec_…`, two during a rotation; without a secret, every webhook is valid.
 */
export function resendWebhooks(secrets: readonly string[]) {
  const keys = secrets.map(signingKey);
  return {
    webhookProcessing: 'direct' as const,
    webhookHeaders: [ID],
    verify: (webhook: IncomingWebhook) => verify(webhook, keys),
    parse,
    respond: (): WebhookResponse => ({ status: 200, contentType: 'application/json', body: '{}' }),
  };
}

async function verify(webhook: IncomingWebhook, keys: readonly KeyObject[]): Promise<Verification> {
  if (keys.length === 0) return 'valid';
  const { [ID]: id, 'svix-timestamp': timestamp, 'svix-signature': signature } = webhook.headers;
  if (typeof signature !== 'string' || signature === '') return 'absent';
  const given = { id: String(id ?? ''), timestamp: String(timestamp ?? ''), signature };
  return (await isSigned(given, keys, Date.now(), () => webhook.body())) ? 'valid' : 'invalid';
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const { [ID]: id } = webhook.headers;
  return readEvent(await webhook.json(), typeof id === 'string' && id !== '' ? id : null);
}
