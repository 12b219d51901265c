import { isObject } from '../email/json.ts';
import { type BasicCredentials, verifyBasic } from '../http/basic-auth.ts';
import type { Verification } from '../provider.ts';
import type { IncomingWebhook, WebhookContent, WebhookResponse } from '../webhook.ts';
import { readEvent } from './events.ts';

/**
 * Verifies and reads the webhooks of emails that were sent. Postmark signs nothing: the URL has a user and a password. A webhook with
 * wrong credentials gets 401, because a 403 would stop all repeats.
 * Source: https://postmarkapp.com/developer/webhooks/webhooks-overview
 */
export function postmarkWebhooks(credentials: BasicCredentials) {
  return {
    webhookProcessing: 'direct' as const,
    verify: (webhook: IncomingWebhook) => verify(webhook, credentials),
    parse,
    respond,
  };
}

/** The response to every webhook of Postmark, which reads the status only. */
export function respond(): WebhookResponse {
  return { status: 200, contentType: 'application/json', body: '{}' };
}

export async function verify(
  { headers }: IncomingWebhook,
  credentials: BasicCredentials,
): Promise<Verification> {
  return verifyBasic(headers.authorization, credentials);
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const event = await webhook.json();
  return isObject(event) ? readEvent(event) : null;
}
