import { svixHeaders } from '../../../src/simulator/dialects/resend/signature.ts';
import { webhookSecret } from '../../support/harness.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { Subject, Webhook } from './suite/subject.ts';

const secretOf = (text: string) => `whsec_${Buffer.alloc(24, text).toString('base64')}`;
const secrets = { current: webhookSecret, previous: secretOf('previous'), other: secretOf('other') };
const API_KEY = 're_0123456789abcdef';
const LOST = { type: 'lost_response', times: 1 };

/** The part of an event that is about its type. */
const CONTENTS: Record<string, object> = {
  'email.bounced': { bounce: { message: 'Full', type: 'Transient', subType: 'General' } },
  'email.failed': { failed: { reason: 'reached_daily_quota' } },
  'email.suppressed': { suppressed: { message: 'On the list', reason: 'previous_bounce' } },
  'email.clicked': { click: { link: 'https://example.com/' } },
};

function event(type: string, id: string, to: string, more: object = {}, unknown = false): Webhook {
  const data = {
    ...{ created_at: '2026-11-26T10:00:00.000Z', email_id: id, from: 'a@example.com', to: [to] },
    ...{ subject: 's', ...CONTENTS[type], ...more },
  };
  const future = unknown ? { future: { field: [1] } } : {};
  return {
    ...{ path: '/api/webhooks/resend', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({
      type,
      created_at: '2026-11-26T10:00:02.000Z',
      data: { ...data, ...future },
      ...future,
    }),
  };
}

const operator = (title: string, http_status: number, code: string) => ({
  title: `${title}, an operator error`,
  fault: { type: 'status', status: http_status, code, retry_after: 0 },
  attempt: { outcome: 'unavailable', code, http_status },
  class: 'account_problem',
});

const email: Subject = {
  dialect: 'resend',
  account: 'resend',
  environment: (account, url, own) => {
    const prefix = account.toUpperCase();
    return {
      ...{ [`${prefix}_URL`]: `${url}/resend`, [`${prefix}_API_KEY`]: API_KEY },
      [`${prefix}_WEBHOOK_SECRETS`]: own.join(','),
    };
  },
  simulator: { apiKey: API_KEY, webhookSecret },
  secrets,
  undocumented: { resend: { unknown_fields: true } },
  message: { from: 'user@usehatchapp.com', body: '<b>Hello</b>' },
  recipient: (n) => `recipient-${n}@example.com`,
  recipientOf: ({ to }) => [to].flat()[0],
  outcomes: [
    {
      title: 'a 429, which Resend never processed',
      fault: { type: 'status', status: 429, retry_after: 1 },
      attempt: { outcome: 'throttled', code: 'rate_limit_exceeded', http_status: 429 },
      class: 'rate_limited',
    },
    operator('the daily quota', 429, 'daily_quota_exceeded'),
    operator('a key that may not send', 401, 'restricted_api_key'),
    {
      title: 'a 500 that did send, and is repeated with the key',
      fault: { type: 'status', status: 500, accepted: true, retry_after: 3600 },
      attempt: { outcome: 'unknown', code: 'internal_server_error', http_status: 500 },
      class: 'provider_error',
    },
    {
      title: 'a key that is in progress',
      fault: { type: 'status', status: 409 },
      attempt: { outcome: 'unknown', code: 'concurrent_idempotent_requests', http_status: 409 },
      class: 'provider_error',
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
      title: 'an address that Resend refuses',
      to: 'reject@example.com',
      status: 'failed',
      error: { code: 'validation_error', class: 'provider_error' },
    },
    {
      title: 'a mailbox that bounces',
      to: 'bounce@example.com',
      status: 'undelivered',
      error: { code: 'General', class: 'unreachable' },
    },
    {
      title: 'an address on the list of Resend',
      to: 'dropped@example.com',
      status: 'failed',
      error: { code: 'previous_bounce', class: 'invalid_destination' },
    },
  ],
  reconciliations: [
    {
      // An event would prove the acceptance before the repeat.
      title: 'a lost response, by a repeat with the key',
      settings: { receipts: { enabled: false } },
      faults: [LOST],
      status: 'sent',
    },
    {
      title: 'a timeout without a key, by the tag in an event',
      settings: { honour_idempotency_keys: false },
      faults: [{ type: 'status', status: 504, accepted: true, retry_after: 3600, times: 1 }],
      status: 'delivered',
    },
  ],
  statuses: {
    'email.sent': 'sent',
    'email.scheduled': 'sent',
    'email.delivery_delayed': 'sent',
    'email.delivered': 'delivered',
    'email.bounced': 'undelivered',
    'email.complained': 'sent',
    'email.failed': 'failed',
    'email.suppressed': 'failed',
    'email.opened': 'sent',
    'email.clicked': 'sent',
  },
  progress: ['email.sent', 'email.delivery_delayed', 'email.delivered'],
  protectsMedia: false,
  unreadableFile: { code: '', class: '' },
  webhooks: {
    response: { contentType: 'application/json; charset=utf-8', body: '{}' },
    id: (n) => `56761188-7520-42d8-8898-${String(n).padStart(12, '0')}`,
    receipt: (id, type, unknown = false, to = 'ada@example.com') =>
      event(type.startsWith('email.') ? type : `email.${type}`, id, to, {}, unknown),
    hardBounce: (id, to) =>
      event('email.bounced', id, to, { bounce: { message: 'Gone', type: 'Permanent', subType: 'General' } }),
    sign: (webhook, { secret, at = Math.floor(Date.now() / 1_000) }) => ({
      ...webhook,
      headers: { ...webhook.headers, ...svixHeaders(secret, `msg_${webhook.body.length}`, at, webhook.body) },
    }),
    signatureHeader: 'svix-signature',
    signsUrl: false,
    signsTime: true,
  },
};

describeKind('resend', { email });
