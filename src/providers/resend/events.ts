import type { ErrorClass } from '../../openapi/error-class.ts';
import { isObject, type JsonObject, textOf } from '../email/json.ts';
import { isMessageId } from '../http/failure.ts';
import type { OptOutContent, ReceiptContent, WebhookContent } from '../webhook.ts';

/** The tag of an email that names the message. */
export const ECHO = 'echo';

/**
 * Resend's events in the words of this service; any other event of an email that was sent is kept as it is and changes nothing.
 * Source: https://resend.com/docs/dashboard/webhooks/event-types
 */
const STATUSES = new Map(
  Object.entries({
    'email.scheduled': 'scheduled',
    'email.sent': 'sent',
    'email.delivered': 'delivered',
    'email.delivery_delayed': 'deferred',
    'email.bounced': 'bounced',
    'email.complained': 'complained',
    'email.failed': 'failed',
    'email.suppressed': 'dropped',
    'email.opened': 'opened',
    'email.clicked': 'clicked',
  }),
);
/** More recipients than an email can have. */
const MAX_RECIPIENTS = 100;

/** The end of an email that was not delivered. */
interface Failure {
  error: { code: string; detail: string | null };
  errorClass: ErrorClass;
  bounce?: 'hard' | 'soft';
}

/**
 * Reads an event, with one receipt for each recipient that it is about; null if it has another form, and for an inbound email,
 * whose event has no content.
 *
 * @param eventId the header `svix-id`, which is the same in every delivery.
 */
export function readEvent(event: unknown, eventId: string | null): WebhookContent | null {
  if (!isObject(event) || !isObject(event.data) || typeof event.type !== 'string') return null;
  const { type, data } = event;
  // Events of contacts and domains.
  if (!type.startsWith('email.')) return { messages: [], receipts: [], optOuts: [] };
  const { email_id: providerMessageId, to } = data;
  if (type === 'email.received' || !isMessageId(providerMessageId)) return null;
  const recipients: unknown[] = Array.isArray(to) ? to.slice(0, MAX_RECIPIENTS) : [to];
  const echo = isObject(data.tags) ? textOf(data.tags[ECHO]) : null;
  const failure = failureIn(type, data);
  const wireMessageId = wireMessageIdOf(data);
  const receipts = recipients.map(
    (recipient): ReceiptContent => ({
      ...{ providerMessageId, echo, recipient, ofOne: true },
      status: STATUSES.get(type) ?? type.slice('email.'.length),
      ...(eventId !== null && { dedupeKey: JSON.stringify(['resend', eventId, recipient]) }),
      ...(wireMessageId !== null && { wireMessageId }),
      ...failure,
      ...{ timestamp: event.created_at, payload: event },
    }),
  );
  return { messages: [], receipts, optOuts: refusalsIn(type, data, providerMessageId, recipients) };
}

/** The Message-ID on the wire, which Resend makes. */
function wireMessageIdOf({ message_id }: JsonObject): string | null {
  return /^<?([^<>\s]{3,255})>?$/.exec(textOf(message_id) ?? '')?.[1] ?? null;
}

function failureIn(type: string, { bounce, failed, suppressed }: JsonObject): Failure | null {
  if (type === 'email.bounced' && isObject(bounce)) {
    const isHard = bounce.type === 'Permanent';
    const diagnostics = Array.isArray(bounce.diagnosticCode) ? bounce.diagnosticCode[0] : null;
    const detail = textOf(diagnostics) ?? textOf(bounce.message);
    return {
      error: { code: textOf(bounce.subType) ?? 'bounced', detail },
      errorClass: isHard ? 'invalid_destination' : 'unreachable',
      bounce: isHard ? 'hard' : 'soft',
    };
  }
  if (type === 'email.failed') {
    const reason = isObject(failed) ? textOf(failed.reason) : null;
    const isQuota = /quota/i.test(reason ?? '');
    const code = reason !== null && /^\w{1,64}$/.test(reason) ? reason : 'failed';
    return { error: { code, detail: reason }, errorClass: isQuota ? 'account_problem' : 'provider_error' };
  }
  if (type !== 'email.suppressed') return null;
  const { reason, message } = isObject(suppressed) ? suppressed : {};
  const detail = textOf(message) ?? textOf(reason);
  const code = textOf(reason) ?? 'suppressed';
  return isOfBounce(reason)
    ? { error: { code, detail }, errorClass: 'invalid_destination', bounce: 'hard' }
    : { error: { code, detail }, errorClass: 'opted_out' };
}

/** Resend refuses an address after a bounce, or because its owner complained. */
function isOfBounce(reason: unknown): boolean {
  return /bounce/i.test(textOf(reason) ?? '');
}

/** The recipients whom Resend refused because they do not want emails. */
function refusalsIn(
  type: string,
  { suppressed, from }: JsonObject,
  providerMessageId: string,
  recipients: readonly unknown[],
): OptOutContent[] {
  if (type !== 'email.suppressed' || (isObject(suppressed) && isOfBounce(suppressed.reason))) return [];
  return recipients.map((address) => ({
    ...{ action: 'stop' as const, address, sender: from, providerMessageId, isRefusal: true },
  }));
}
