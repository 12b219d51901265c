import { createSecretKey } from 'node:crypto';
import type { Verification } from '../provider.ts';
import type {
  InboundContent,
  IncomingWebhook,
  OptOutContent,
  ReceiptContent,
  WebhookContent,
  WebhookResponse,
} from '../webhook.ts';
import { meaningOfCode, pageOfCode, readErrorCode } from './codes.ts';
import type { VonageSettings } from './config.ts';
import { MEDIA_TYPES } from './files.ts';
import { fromWire } from './numbers.ts';
import { isMessageUuid } from './outcome.ts';
import { isGenuine, type SignedBy } from './token.ts';

type Event = Readonly<Record<string, unknown>>;

interface Media {
  url?: unknown;
  name?: unknown;
  caption?: unknown;
}

/** Vonage's statuses in the words of this service; any other status is kept as it is and changes nothing. */
const STATUSES = new Map(
  Object.entries({
    submitted: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    rejected: 'failed',
    undeliverable: 'undelivered',
  }),
);

/** An application can receive messages of other networks too, such as WhatsApp. */
const CHANNELS = new Set<unknown>(['sms', 'mms']);

/**
 * Verifies and reads the webhooks of the Messages API, version 1: inbound messages and statuses, at one URL.
 * Source: https://developer.vonage.com/en/api/messages
 */
export function vonageWebhooks({ signatureSecrets, apiKey, applicationId }: VonageSettings) {
  const keys = signatureSecrets.map((secret) => createSecretKey(Buffer.from(secret)));
  return {
    webhookProcessing: 'direct' as const,
    // A fault at Vonage can leave a webhook unsigned; after a 5xx, Vonage sends and signs the webhook again. Source:
    // https://developer.vonage.com/en/messages/concepts/signed-webhooks
    repeatsUnsigned: true,
    verify: (webhook: IncomingWebhook) => verify(webhook, { keys, apiKey, applicationId }),
    parse,
    respond: (): WebhookResponse => ({ status: 200, contentType: 'application/json', body: '{}' }),
  };
}

async function verify(webhook: IncomingWebhook, signedBy: SignedBy): Promise<Verification> {
  const { authorization } = webhook.headers;
  if (authorization === undefined || authorization === '') return 'absent';
  const [, token = ''] = /^Bearer ([\w.-]+)$/i.exec(authorization) ?? [];
  return (await isGenuine(token, signedBy, Date.now(), () => webhook.body())) ? 'valid' : 'invalid';
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const event = (await webhook.json()) as Event | null;
  const id = event?.message_uuid;
  if (!event || !isMessageUuid(id)) return null;
  if (hasText(event.status)) {
    const receipt = readReceipt(event, id, event.status);
    return { messages: [], receipts: [receipt], optOuts: refusedOptOuts(receipt, event, id) };
  }
  // A webhook about another event has no addresses; a reply to a message of another network would go to the wrong place.
  if ((!hasText(event.from) && !hasText(event.to)) || !CHANNELS.has(event.channel)) return null;
  return { messages: [readMessage(event, id)], receipts: [], optOuts: [] };
}

function readMessage(event: Event, providerMessageId: string): InboundContent {
  const media = MEDIA_TYPES.map((type) => event[type] as Media | null);
  const files = media.filter((each) => hasText(each?.url)) as Media[];
  const attachments = files.map(({ url }) => url);
  const caption = media.map((each) => each?.caption).find(hasText);
  return {
    providerMessageId,
    type: event.channel === 'mms' || attachments.length > 0 ? 'mms' : 'sms',
    from: fromWire(event.from),
    to: fromWire(event.to),
    body: event.text ?? caption ?? '',
    attachments,
    files: files.map(({ name }) => ({ name })),
    timestamp: event.timestamp,
    payload: event,
  };
}

function readReceipt(event: Event, providerMessageId: string, status: string): ReceiptContent {
  const { client_ref: echo, error, timestamp } = event;
  const given = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : null;
  const code = given && readErrorCode(given);
  return {
    providerMessageId,
    echo: typeof echo === 'string' ? echo : null,
    status: STATUSES.get(status.toLowerCase()) ?? status,
    error: given && { code, detail: given.detail ?? given.title },
    ...(code && { errorClass: meaningOfCode(code)?.class ?? 'provider_error', errorUrl: pageOfCode(code) }),
    timestamp,
    payload: event,
  };
}

/** A message that was not sent because its recipient has opted out earlier (1240). */
function refusedOptOuts(
  { errorClass }: ReceiptContent,
  event: Event,
  providerMessageId: string,
): OptOutContent[] {
  if (errorClass !== 'opted_out' || !hasText(event.to)) return [];
  const [address, sender] = [fromWire(event.to), fromWire(event.from)];
  return [{ action: 'stop', address, sender, providerMessageId, isRefusal: true }];
}

function hasText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
