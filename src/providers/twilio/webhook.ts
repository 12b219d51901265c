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
import { isMessageSid } from './outcome.ts';
import { isSignedBy } from './signature.ts';

/** The query parameter of a callback URL that names the message. */
export const ECHO = 'echo';
/** More attachments than a message can have. */
const MAX_MEDIA = 100;

/** Twilio's statuses in the words of this service; any other status is kept as it is and changes nothing. */
const STATUSES = new Map(
  Object.entries({
    accepted: 'queued',
    scheduled: 'queued',
    queued: 'queued',
    sending: 'sent',
    sent: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    partially_delivered: 'undelivered',
    undelivered: 'undelivered',
    failed: 'failed',
    canceled: 'failed',
  }),
);
/** The statuses of inbound messages. */
const INBOUND_STATUSES = new Set(['receiving', 'received']);
const OPT_OUT_ACTIONS = new Map<string, OptOutContent['action']>([
  ['STOP', 'stop'],
  ['START', 'start'],
  ['HELP', 'help'],
]);
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>';

/**
 * Verifies and reads Twilio's webhooks: inbound messages and status callbacks, at one URL.
 * Source: https://www.twilio.com/docs/messaging/guides/webhook-request
 *
 * @param tokens the auth tokens of the account, two during a rotation.
 */
export function twilioWebhooks(tokens: readonly string[], accountSid: string) {
  return {
    webhookProcessing: 'direct' as const,
    verify: (webhook: IncomingWebhook) => verify(webhook, tokens),
    parse: (webhook: IncomingWebhook) => parse(webhook, accountSid),
    respond: (): WebhookResponse => ({
      status: 200,
      contentType: 'text/xml; charset=utf-8',
      body: EMPTY_TWIML,
    }),
  };
}

async function verify(webhook: IncomingWebhook, tokens: readonly string[]): Promise<Verification> {
  const { url, headers } = webhook;
  const signature = headers['x-twilio-signature'];
  if (typeof signature !== 'string' || signature === '') return 'absent';
  if (url === null || !/^[\w+/]{27}=$/.test(signature)) return 'invalid';
  const [form, body] = [await webhook.form(), await webhook.body()];
  return isSignedBy(tokens, { url, form, body, signature }) ? 'valid' : 'invalid';
}

async function parse(webhook: IncomingWebhook, accountSid: string): Promise<WebhookContent | null> {
  const form = await webhook.form();
  const sid = form?.get('MessageSid') ?? form?.get('SmsSid');
  if (!form || !isMessageSid(sid) || form.get('AccountSid') !== accountSid) return null;
  // `SmsStatus` is the older name of `MessageStatus`. An inbound message has no other status than `received`.
  const status = form.get('MessageStatus') || form.get('SmsStatus');
  const payload = payloadOf(form);
  if (!status || INBOUND_STATUSES.has(status.toLowerCase())) {
    // A webhook about another event has no addresses.
    if (!form.get('From')?.trim() && !form.get('To')?.trim()) return null;
    const optOuts = optOutsOf(form.get('OptOutType'), form, sid);
    return { messages: [readMessage(form, sid, payload)], receipts: [], optOuts };
  }
  const receipt = readReceipt(form, sid, status, webhook.query.get(ECHO), payload);
  return { messages: [], receipts: [receipt], optOuts: refusedOptOuts(receipt, form, sid) };
}

function readMessage(form: URLSearchParams, sid: string, payload: object): InboundContent {
  const count = Math.min(Number(form.get('NumMedia')) || 0, MAX_MEDIA);
  const media = Array.from({ length: count }, (_, index) => ({
    url: form.get(`MediaUrl${index}`),
    contentType: form.get(`MediaContentType${index}`),
  })).filter(({ url }) => url);
  return {
    providerMessageId: sid,
    type: media.length > 0 || sid.startsWith('MM') ? 'mms' : 'sms',
    from: form.get('From'),
    to: form.get('To'),
    body: form.get('Body'),
    attachments: media.map(({ url }) => url),
    files: media,
    payload,
  };
}

/**
 * The request that Twilio recognised in an inbound message.
 * Source: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
 */
function optOutsOf(type: string | null, form: URLSearchParams, providerMessageId: string): OptOutContent[] {
  const action = OPT_OUT_ACTIONS.get(type?.trim().toUpperCase() ?? '');
  if (!action) return [];
  const [address, sender, keyword] = ['From', 'To', 'Body'].map((name) => form.get(name));
  return [{ action, address, sender, keyword, providerMessageId }];
}

/** A message that was not sent because its recipient has opted out earlier (21610). */
function refusedOptOuts(
  { errorClass }: ReceiptContent,
  form: URLSearchParams,
  providerMessageId: string,
): OptOutContent[] {
  const address = form.get('To');
  if (errorClass !== 'opted_out' || address === null) return [];
  return [{ action: 'stop', address, sender: form.get('From'), providerMessageId, isRefusal: true }];
}

function readReceipt(
  form: URLSearchParams,
  sid: string,
  status: string,
  echo: string | null,
  payload: object,
): ReceiptContent {
  const given = form.get('ErrorCode');
  const code = readErrorCode(given);
  return {
    providerMessageId: sid,
    echo,
    status: STATUSES.get(status.toLowerCase()) ?? status,
    error: given ? { code, detail: form.get('ErrorMessage') } : null,
    ...(code && { errorClass: meaningOfCode(code)?.class ?? 'provider_error', errorUrl: pageOfCode(code) }),
    payload,
  };
}

/** The parameters as JSON; a repeated name has a list. */
function payloadOf(form: URLSearchParams): object {
  const byName = Map.groupBy(form, ([name]) => name);
  return Object.fromEntries(
    [...byName].map(([name, entries]) => {
      const values = entries.map(([, value]) => value);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}
