import { authorized, SERVER_TOKEN } from '../../support/postmark.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { Subject, Webhook } from './suite/subject.ts';

const LOST = { type: 'lost_response', times: 1 };
const AT = '2026-11-26T10:00:02Z';
const PAGE = 'https://postmarkapp.com/developer/api/overview#error-codes';

/** @param status a `RecordType`, and of a bounce its `Type`: `Bounce HardBounce`. */
function event(id: string, status: string, to: string, more: object = {}, unknown = false): Webhook {
  const [RecordType, Type] = status.split(' ');
  const isBounce = RecordType === 'Bounce' || RecordType === 'SpamComplaint';
  const body = {
    ...{ RecordType, MessageID: id, MessageStream: 'outbound', Metadata: {} },
    ...(isBounce
      ? { ID: 7, Type: Type ?? RecordType, Email: to, BouncedAt: AT, Details: '550 no' }
      : { Recipient: to, DeliveredAt: AT, ReceivedAt: AT }),
    ...more,
    ...(unknown && { Future: { Field: [1] } }),
  };
  return {
    ...{ path: '/api/webhooks/postmark', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  };
}

const secrets = {
  current: 'the-current-password-01',
  previous: 'the-previous-password-1',
  other: 'another-password-012345',
};

const email: Subject = {
  dialect: 'postmark',
  account: 'postmark',
  environment: (account, url, passwords) => {
    const prefix = account.toUpperCase();
    return {
      ...{ [`${prefix}_URL`]: `${url}/postmark`, [`${prefix}_SERVER_TOKEN`]: SERVER_TOKEN },
      [`${prefix}_WEBHOOK_PASSWORD`]: passwords.join(','),
    };
  },
  simulator: {
    apiKey: SERVER_TOKEN,
    postmark: { credentials: { user: 'postmark', password: secrets.current } },
  },
  secrets,
  undocumented: { postmark: { unknown_fields: true } },
  message: { from: 'user@usehatchapp.com', body: '<b>Hello</b>' },
  recipient: (n) => `recipient-${n}@example.com`,
  recipientOf: ({ To }) => To,
  outcomes: [
    {
      title: 'a 429, which Postmark never processed',
      fault: { type: 'status', status: 429, retry_after: 1 },
      attempt: { outcome: 'throttled', code: '429', http_status: 429 },
      class: 'rate_limited',
    },
    {
      title: 'a wrong token, an operator error',
      fault: { type: 'status', status: 401, retry_after: 0 },
      attempt: { outcome: 'unavailable', code: '10', http_status: 401 },
      class: 'account_problem',
    },
    {
      title: 'no credit, an operator error',
      fault: { type: 'status', status: 422, code: 405, retry_after: 0 },
      attempt: { outcome: 'unavailable', code: '405', http_status: 422 },
      class: 'account_problem',
    },
    {
      title: 'an unknown sender, an operator error',
      fault: { type: 'status', status: 422, code: 400, retry_after: 0 },
      attempt: { outcome: 'unavailable', code: '400', http_status: 422 },
      class: 'sender_not_allowed',
    },
    {
      title: 'a 503, which Postmark never processed',
      fault: { type: 'status', status: 503, retry_after: 3600 },
      attempt: { outcome: 'unavailable', code: '100', http_status: 503 },
      // The message waits for the time that Postmark asks for.
      ...{ class: 'provider_error', end: 'queued', sent: 0 },
    },
    {
      title: 'a 500 that did send',
      fault: { type: 'status', status: 500, accepted: true },
      attempt: { outcome: 'unknown', code: 'http_500', http_status: 500 },
      class: 'provider_error',
    },
    {
      title: 'a 500 that did not send, which is looked up until Postmark would have found it',
      fault: { type: 'status', status: 500 },
      attempt: { outcome: 'unknown', code: 'http_500', http_status: 500 },
      ...{ class: 'provider_error', end: 'queued', sent: 0 },
    },
    {
      title: 'a response that is no JSON',
      fault: { type: 'malformed' },
      attempt: { outcome: 'unknown', code: 'malformed_response', http_status: 200 },
      class: 'provider_error',
    },
  ],
  refusals: [
    {
      title: 'an address that Postmark refuses',
      ...{ to: 'reject@example.com', status: 'failed' },
      error: { code: '300', class: 'invalid_destination', url: PAGE },
    },
    {
      title: 'a mailbox that bounces',
      ...{ to: 'bounce@example.com', status: 'undelivered' },
      error: { code: 'SoftBounce', class: 'unreachable' },
    },
  ],
  optedOut: 'inactive@example.com',
  reconciliations: [
    { title: 'a lost response, by the echo in an event', settings: {}, faults: [LOST], status: 'delivered' },
    {
      title: 'a lost response, by look-up',
      ...{ settings: { receipts: { enabled: false } }, faults: [LOST], status: 'sent' },
    },
  ],
  statuses: {
    Delivery: 'delivered',
    'Bounce HardBounce': 'undelivered',
    'Bounce SoftBounce': 'undelivered',
    'Bounce Transient': 'sent',
    'Bounce AutoResponder': 'sent',
    'Bounce SMTPApiError': 'failed',
    SpamComplaint: 'sent',
    Open: 'sent',
    Click: 'sent',
  },
  progress: ['Bounce Transient', 'Delivery'],
  protectsMedia: false,
  unreadableFile: { code: '', class: '' },
  webhooks: {
    response: { contentType: 'application/json; charset=utf-8', body: '{}' },
    id: (n) => `883953f4-6105-42a2-a16a-${String(n).padStart(12, '0')}`,
    receipt: (id, status, unknown = false, to = 'ada@example.com') => event(id, status, to, {}, unknown),
    hardBounce: (id, to) => event(id, 'Bounce HardBounce', to),
    sign: (webhook, { secret }) => ({ ...webhook, headers: { ...webhook.headers, ...authorized(secret) } }),
    signatureHeader: 'authorization',
    ...{ signsBody: false, signsUrl: false, signsTime: false },
  },
};

describeKind('postmark', { email });
