import { hash } from 'node:crypto';
import type { ErrorClass } from '../../openapi/error-class.ts';
import { isObject, type JsonObject, textOf } from '../email/json.ts';
import { isMessageId } from '../http/failure.ts';
import type { OptOutContent, ReceiptContent, WebhookContent } from '../webhook.ts';

/**
 * SendGrid's events in the words of this service; any other event is kept as it is and changes nothing, such as
 * `group_resubscribe`: only a person lifts a suppression of an email address.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
 */
const STATUSES = new Map(
  Object.entries({
    processed: 'sent',
    deferred: 'deferred',
    delivered: 'delivered',
    bounce: 'bounced',
    dropped: 'dropped',
    open: 'opened',
    click: 'clicked',
    spamreport: 'complained',
    unsubscribe: 'unsubscribed',
    group_unsubscribe: 'unsubscribed',
  }),
);
const WITH_ERROR = new Set(['deferred', 'bounced', 'dropped']);

/** The reasons of `dropped`: the recipient is on a list of SendGrid, or the email is at fault. */
const DROPS: readonly [reason: RegExp, code: string, errorClass: ErrorClass][] = [
  [/^bounced address/i, 'bounced_address', 'invalid_destination'],
  [/^invalid\b/i, 'invalid_address', 'invalid_destination'],
  [/^(?:group )?unsubscribed address/i, 'unsubscribed_address', 'opted_out'],
  [/^spam reporting address/i, 'spam_reporting_address', 'opted_out'],
  [/^spam content/i, 'spam_content', 'content_rejected'],
  [/quota/i, 'over_quota', 'account_problem'],
];
const OTHER_DROP = { code: 'dropped', errorClass: 'provider_error' } as const;

/** The domains of the Message-IDs that SendGrid gives emails inside; the email keeps the Message-ID of the service. */
const OWN_MESSAGE_ID = /@(?:[\w-]*ismtpd[\w-]*|[\w.-]+\.sendgrid\.net)$/i;

/** Reads the events of a batch; null without an event of a message. */
export function readEvents(events: readonly unknown[]): WebhookContent | null {
  const known = events.filter(isObject).filter(({ event }) => typeof event === 'string');
  const receipts = known.flatMap((event) => readEvent(event) ?? []);
  const optOuts = known.flatMap(readRefusal);
  return receipts.length > 0 ? { messages: [], receipts, optOuts } : null;
}

/** Null for an event without a message, which changes nothing. */
function readEvent(event: JsonObject): ReceiptContent | null {
  const providerMessageId = messageIdOf(event);
  const echo = textOf(event.echo);
  if (providerMessageId === null && echo === null) return null;
  const word = String(event.event).toLowerCase();
  const status = STATUSES.get(word) ?? word;
  const wireMessageId = wireMessageIdOf(event);
  return {
    ...{
      providerMessageId,
      echo,
      recipient: event.email,
      ofOne: true,
      status,
      dedupeKey: dedupeKeyOf(event),
    },
    ...(word === 'bounce' && { bounce: isHardBounce(event) ? 'hard' : 'soft' }),
    ...(wireMessageId !== null && { wireMessageId }),
    ...(WITH_ERROR.has(status) && errorOf(event, word)),
    ...{ timestamp: event.timestamp, payload: event },
  };
}

/** The id that the response to the send has: events have it with a suffix for the server and the recipient. */
export function messageIdOf({ sg_message_id: id }: JsonObject): string | null {
  if (!isMessageId(id)) return null;
  return /^(.+?)\.(?:filter|recvd)/.exec(id)?.[1] ?? id;
}

/** `sg_event_id` changes when SendGrid repeats an event, and some events have none. */
function dedupeKeyOf({ sg_message_id, email, event, timestamp, url, asm_group_id }: JsonObject): string {
  const key = [sg_message_id, email, event, timestamp, url ?? null, asm_group_id ?? null];
  return hash('sha256', JSON.stringify(key), 'base64url');
}

/** Without an authenticated domain, SendGrid reports an id of its own in place of the Message-ID on the wire. */
function wireMessageIdOf(event: JsonObject): string | null {
  const [, id] = /^<?([^<>\s]{3,255})>?$/.exec(textOf(event['smtp-id']) ?? '') ?? [];
  return id === undefined || OWN_MESSAGE_ID.test(id) ? null : id;
}

/**
 * A `blocked` email was refused for now. Of the others, the classification and the status tell whether the address is at fault;
 * without them, SendGrid sends no more email to the address.
 */
function isHardBounce({ type, bounce_classification, status }: JsonObject): boolean {
  if (type === 'blocked') return false;
  const [classification, code] = [textOf(bounce_classification), textOf(status)];
  if (/^5\.1\.(?:[1236]|10)$/.test(code ?? '') || classification === 'Invalid Address') return true;
  return classification === null && (code === null || code.startsWith('5'));
}

function errorOf(event: JsonObject, word: string): Pick<ReceiptContent, 'error' | 'errorClass'> {
  const detail = textOf(event.reason) ?? textOf(event.response);
  if (word === 'dropped') {
    const [, code, errorClass] = DROPS.find(([reason]) => reason.test(detail ?? '')) ?? [];
    const { code: otherCode, errorClass: other } = OTHER_DROP;
    return { error: { code: code ?? otherCode, detail }, errorClass: errorClass ?? other };
  }
  const code = textOf(event.status) ?? (word === 'bounce' && event.type === 'blocked' ? 'blocked' : word);
  const isInvalid = word === 'bounce' && isHardBounce(event);
  return { error: { code, detail }, errorClass: isInvalid ? 'invalid_destination' : 'unreachable' };
}

/** An email that was not sent because its recipient has unsubscribed or complained earlier. */
function readRefusal(event: JsonObject): OptOutContent[] {
  const providerMessageId = messageIdOf(event);
  if (event.event !== 'dropped' || providerMessageId === null) return [];
  if (errorOf(event, 'dropped').errorClass !== 'opted_out') return [];
  return [{ action: 'stop', address: event.email, sender: undefined, providerMessageId, isRefusal: true }];
}
