import {
  inboundEvent,
  SIMULATED,
  signatureOf,
  statusEvent,
  uuidOf,
  vonageAccount,
} from '../../support/vonage.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { OutcomeCase, Subject, Webhook } from './suite/subject.ts';

const secrets = { current: 'a'.repeat(32), previous: 'b'.repeat(32), other: 'c'.repeat(32) };
const PAGE = 'https://developer.vonage.com/en/api-errors/messages';
const UNKNOWN = { future_field: " it's new & + ", future_list: [null] };

/** A status of Vonage in place of 202, for example with an error code. */
const status = (
  title: string,
  http_status: number,
  outcome: string,
  errorClass: string,
  { code = null, ...more }: { code?: number | null; [name: string]: unknown } = {},
): OutcomeCase => {
  const { end, sent, own, ...fault } = more as { end?: string; sent?: 0 | 1; own?: string };
  return {
    title,
    fault: { type: 'status', status: http_status, ...(code !== null && { code }), ...fault },
    attempt: { outcome, code: own ?? `${code ?? `http_${http_status}`}`, http_status },
    class: errorClass,
    ...(end !== undefined && { end }),
    ...(sent !== undefined && { sent }),
  };
};
const wire = (address: string) => address.replace('+', '');

const sms: Subject = {
  dialect: 'vonage',
  account: 'vonage',
  environment: (account, url, own) =>
    vonageAccount(`${url}/vonage`, { prefix: account.toUpperCase(), secrets: own.join(',') }),
  simulator: { ...SIMULATED, apiKey: secrets.current },
  secrets,
  message: { from: '+12016661234', type: 'sms', body: 'Hello' },
  recipient: (n) => `+1804555${String(n).padStart(4, '0')}`,
  recipientOf: ({ to }) => `+${to}`,
  outcomes: [
    status('a 429, which Vonage never processed', 429, 'throttled', 'rate_limited', {
      ...{ retry_after: 1, own: '1000' },
    }),
    status('the code 1000 with another status', 422, 'throttled', 'rate_limited', {
      ...{ code: 1000, retry_after: 1 },
    }),
    status('the code 1241, the limit of one recipient', 422, 'unavailable', 'rate_limited', {
      ...{ code: 1241, retry_after: 0 },
    }),
    status('the code 1100, after which nothing was submitted', 500, 'unavailable', 'provider_error', {
      ...{ code: 1100, retry_after: 0 },
    }),
    status('wrong credentials, an operator error', 401, 'unavailable', 'account_problem'),
    status('a low balance, an operator error', 402, 'unavailable', 'account_problem'),
    status('a barred account, an operator error', 422, 'unavailable', 'account_problem', { code: 1060 }),
    status('an invalid sender, an operator error', 422, 'unavailable', 'sender_not_allowed', { code: 1420 }),
    status('a 500 that did send', 500, 'unknown', 'provider_error', { accepted: true, own: '1030' }),
    status('a 500 that did not send', 500, 'unknown', 'provider_error', {
      ...{ own: '1030', end: 'unknown', sent: 0 },
    }),
    status('the code 1331 after a send', 422, 'unknown', 'provider_error', { accepted: true, code: 1331 }),
    status('the code 1320, already sent', 422, 'unknown', 'provider_error', { accepted: true, code: 1320 }),
    {
      title: 'a response that is no JSON',
      fault: { type: 'malformed' },
      attempt: { outcome: 'unknown', code: 'malformed_response', http_status: 202 },
      class: 'provider_error',
    },
  ],
  refusals: [
    {
      title: 'an invalid number',
      to: '+18040000009',
      status: 'failed',
      error: { code: '1430', class: 'invalid_destination', url: `${PAGE}#1430` },
    },
    {
      title: 'a number that is barred',
      to: '+18040001050',
      status: 'failed',
      error: { code: '1050', class: 'invalid_destination', url: `${PAGE}#1050` },
    },
    {
      title: 'a message that the carrier filters',
      to: '+18040001210',
      status: 'failed',
      error: { code: '1210', class: 'blocked_by_carrier', url: `${PAGE}#1210` },
    },
    {
      title: 'a phone that is switched off',
      to: '+18040001180',
      status: 'undelivered',
      error: { code: '1180', class: 'unreachable', url: `${PAGE}#1180` },
    },
  ],
  optedOut: '+18040001240',
  reconciliations: [
    {
      title: 'a lost response, by the echo in a status webhook',
      settings: {},
      faults: [{ type: 'lost_response', times: 1 }],
      status: 'delivered',
    },
    {
      title: 'unsigned webhooks that are repeated with a signature',
      settings: { vonage: { unsigned_first: true } },
      faults: [],
      status: 'delivered',
    },
  ],
  statuses: {
    submitted: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    rejected: 'failed',
    undeliverable: 'undelivered',
  },
  undocumented: { vonage: { unknown_fields: true, unknown_status: true } },
  progress: ['submitted', 'delivered'],
  protectsMedia: true,
  unreadableFile: { code: '1380', class: 'content_rejected' },
  webhooks: {
    response: { contentType: 'application/json; charset=utf-8', body: '{}' },
    id: uuidOf,
    message: ({ id, from, to, body, attachments }, unknown = false) => {
      const addresses = { message_uuid: id, from: wire(from), to: wire(to) };
      const media = { channel: 'mms', message_type: 'image', text: undefined };
      const image = { url: attachments?.[0], caption: body };
      return webhook(
        inboundEvent({ ...addresses, text: body, ...(attachments && { ...media, image }) }),
        unknown,
      );
    },
    receipt: (id, word, unknown = false) => webhook(statusEvent(id, word), unknown),
    sign: (signed, { secret, at }) => ({
      ...signed,
      headers: { ...signed.headers, authorization: signatureOf(signed.body, secret, at) },
    }),
    signatureHeader: 'authorization',
    unsignedStatus: 503,
    signsUrl: false,
    signsTime: true,
    inbound: ({ from, to, body }) => ({ from: wire(from), to: wire(to), text: body }),
  },
};

function webhook(event: object, unknown: boolean): Webhook {
  return {
    path: '/api/webhooks/vonage',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...event, ...(unknown && UNKNOWN) }),
  };
}

describeKind('vonage', { sms });
