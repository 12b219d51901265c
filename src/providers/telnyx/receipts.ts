import type { ReceiptContent, WebhookContent } from '../webhook.ts';
import { classOfReport, pageOfCode, readErrorCode } from './codes.ts';
import { isObject, type JsonObject, listOf, phoneNumberOf, type TelnyxEvent } from './event.ts';
import { messageIdOf } from './outcome.ts';

/** Telnyx's statuses in the words of this service; any other status is kept as it is and changes nothing. */
const STATUSES = new Map(
  Object.entries({
    queued: 'queued',
    sending: 'sent',
    sent: 'sent',
    delivered: 'delivered',
    sending_failed: 'failed',
    delivery_failed: 'undelivered',
    expired: 'failed',
  }),
);
const FAILED = new Set(['failed', 'undelivered']);
/** In a report about one recipient of a group, the status of the others. */
const NO_STATUS = 'unknown';

interface Reported {
  index: number;
  recipient: string;
  status: string;
}

/** Reads the report about a message, with one receipt for each recipient that has a status; null without recipients. */
export function readReceipts(event: TelnyxEvent, echoParameter: string): WebhookContent | null {
  const { data, payload, messageId, whole } = event;
  const recipients = listOf(payload.to).flatMap((each, index): Reported[] => {
    const recipient = phoneNumberOf(each);
    const status = isObject(each) && typeof each.status === 'string' ? each.status : NO_STATUS;
    return recipient === null ? [] : [{ index, recipient, status }];
  });
  if (recipients.length === 0) return null;
  const isGroup = recipients.length > 1;
  const reported = isGroup ? recipients.filter(({ status }) => status !== NO_STATUS) : recipients;
  const echo = echoOf(payload.webhook_url, echoParameter);
  const groupId = messageIdOf(payload) ?? messageId;
  // The id of a report about one recipient is the id of this recipient; only the echo finds the message by such an id.
  const providerMessageId = reported.length === 1 && echo !== null ? messageId : groupId;
  const receipts = reported.map((each): ReceiptContent => {
    const status = STATUSES.get(each.status.toLowerCase()) ?? each.status;
    return {
      ...{ providerMessageId, echo, status, timestamp: data.occurred_at, payload: whole },
      ...(isGroup && { recipient: each.recipient }),
      ...(typeof data.id === 'string' && { dedupeKey: isGroup ? `${data.id} ${each.recipient}` : data.id }),
      ...errorOf(payload, each.index, FAILED.has(status)),
    };
  });
  return { messages: [], receipts, optOuts: [] };
}

/** The echo in the callback URL of the message, which the signature covers as a part of the body. */
function echoOf(url: unknown, parameter: string): string | null {
  return typeof url === 'string' ? (URL.parse(url)?.searchParams.get(parameter) ?? null) : null;
}

/** The error that points to a recipient, otherwise the first error that points to none. */
function errorOf(
  { errors }: JsonObject,
  index: number,
  isFailed: boolean,
): Pick<ReceiptContent, 'error' | 'errorClass' | 'errorUrl'> {
  if (!isFailed) return {};
  const list = listOf(errors).filter(isObject);
  const pointers = list.map(({ source }) => (isObject(source) ? String(source.pointer ?? '') : ''));
  const own = pointers.findIndex((pointer) => new RegExp(`^/to/${index}(?:/|$)`).test(pointer));
  const error = list[own === -1 ? pointers.findIndex((pointer) => !/^\/to\/\d/.test(pointer)) : own];
  if (!error) return {};
  const code = readErrorCode(error.code);
  return {
    error: { code: code ?? error.code, detail: error.detail ?? error.title },
    ...(code && { errorClass: classOfReport(code), errorUrl: pageOfCode(code) }),
  };
}
