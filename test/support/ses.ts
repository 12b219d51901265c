import { randomUUID } from 'node:crypto';
import type { SigningKey } from '../../src/simulator/dialects/ses/sns/certificate.ts';
import {
  type SignatureVersion,
  type SnsMessage,
  signedMessage,
  snsHeaders,
  snsKey,
} from '../../src/simulator/dialects/ses/sns/signature.ts';

export const ACCESS_KEY_ID = 'AKIDEXAMPLE000000000';
export const SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const TOPIC = 'arn:aws:sns:us-east-1:123456789012:ses-events';

/** The environment of a service with one SES account, whose calls go to `url`. */
export function sesEnvironment(url: string, topics = TOPIC): Record<string, string> {
  return {
    ...{ EMAIL_PROVIDERS: 'ses', SES_URL: url, SES_REGION: 'us-east-1', SES_ACCESS_KEY_ID: ACCESS_KEY_ID },
    ...{ SES_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY, SES_TOPIC_ARNS: topics },
  };
}

/** A webhook of SNS. */
export interface SnsWebhook {
  headers: Record<string, string>;
  fields: Record<string, unknown>;
}

export interface SnsWebhookOptions {
  /** The host of the certificate. */
  host: string;
  topic?: string;
  version?: SignatureVersion;
  key?: SigningKey;
  /** Fields in place of those of a notification. */
  message?: Partial<SnsMessage>;
}

/** A signed notification with an event. */
export function notification(
  event: object | string,
  { host, topic = TOPIC, version = '1', key = snsKey(), message = {} }: SnsWebhookOptions,
): SnsWebhook {
  const full: SnsMessage = {
    ...{ Type: 'Notification', MessageId: randomUUID(), TopicArn: topic },
    Message: typeof event === 'string' ? event : JSON.stringify(event),
    Timestamp: new Date().toISOString(),
    ...message,
  };
  return { headers: snsHeaders(full), fields: signedMessage(full, host, version, key) };
}

/** A request to confirm a subscription. */
export function confirmation(options: SnsWebhookOptions): SnsWebhook {
  const { host, topic = TOPIC } = options;
  const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: topic, Token: 'a-token' });
  return notification('You have chosen to subscribe to the topic', {
    ...options,
    message: {
      ...{ Type: 'SubscriptionConfirmation', Token: 'a-token', SubscribeURL: `${host}/?${query}` },
      ...options.message,
    },
  });
}

/** The `mail` of an event, and the event. */
export function sesEvent(
  type: string,
  {
    id,
    to = ['ada@example.net'],
    echo,
    ...content
  }: { id: string; to?: string[]; echo?: string } & Record<string, unknown>,
): object {
  const mail = {
    ...{ timestamp: '2026-11-26T10:00:00.000Z', source: 'shop@example.com', messageId: id, destination: to },
    ...(echo !== undefined && { tags: { 'ses:configuration-set': ['cs'], echo: [echo] } }),
  };
  return { eventType: type, mail, ...content };
}
