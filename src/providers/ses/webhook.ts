import { parseJson } from '../../openapi/bounded-json.ts';
import type { IncomingWebhook, WebhookContent, WebhookResponse } from '../webhook.ts';
import type { SesSettings } from './config.ts';
import { readEvent } from './events.ts';
import { readEnvelope } from './sns/envelope.ts';
import { SnsNotifications } from './sns/notifications.ts';

/** SES sends these texts once, when a topic is set. */
const FIRST_NOTIFICATION = /^Successfully validated SNS topic\b/;

/**
 * Verifies and reads the webhooks of SES, which Amazon SNS delivers: notifications with one event each, and confirmations of
 * subscriptions, which are confirmed by a request.
 * Source: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns.html
 */
export function sesWebhooks({ topicArns, simulatorOrigin, region }: SesSettings) {
  const notifications = new SnsNotifications({ topicArns, simulatorOrigin });
  return {
    webhookProcessing: 'direct' as const,
    verify: (webhook: IncomingWebhook) => notifications.verify(webhook),
    parse: (webhook: IncomingWebhook) => parse(webhook, notifications, region),
    respond: (): WebhookResponse => ({ status: 200, contentType: 'application/json', body: '{}' }),
  };
}

async function parse(
  webhook: IncomingWebhook,
  notifications: SnsNotifications,
  region: string,
): Promise<WebhookContent | null> {
  const envelope = readEnvelope(await webhook.json());
  if (envelope === null) return null;
  if (envelope.type === 'SubscriptionConfirmation')
    return (await notifications.confirm(envelope)) ? nothing() : null;
  const { type, message } = envelope;
  if (type === 'UnsubscribeConfirmation')
    return {
      ...nothing(),
      notice: `The subscription to ${envelope.topicArn} has ended: no more events arrive.`,
    };
  if (FIRST_NOTIFICATION.test(message)) return nothing();
  return readEvent(jsonOf(message), region);
}

function nothing(): WebhookContent {
  return { messages: [], receipts: [], optOuts: [] };
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(Buffer.from(text)).value;
  } catch {
    return null;
  }
}
