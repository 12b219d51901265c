import { API_KEY, publicKeyFor, signedHeaders } from '../../support/sendgrid.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { Subject, Webhook } from './suite/subject.ts';

const LOST = { type: 'lost_response', times: 1 };

function events(id: string, event: string, to: string, more: object = {}, unknown = false): Webhook {
  const future = unknown ? { future: { field: [1] } } : {};
  const one = {
    ...{ email: to, timestamp: 1_795_687_202, event, sg_message_id: `${id}.filter0001.1.A.0` },
    ...more,
    ...future,
  };
  return {
    ...{ path: '/api/webhooks/sendgrid', headers: { 'content-type': 'application/json' } },
    body: `${JSON.stringify([one])}\r\n`,
  };
}

const email: Subject = {
  dialect: 'sendgrid',
  account: 'sendgrid',
  environment: (account, url, keys) => {
    const prefix = account.toUpperCase();
    const publicKeys = keys.map(publicKeyFor).join(',');
    return {
      ...{ [`${prefix}_URL`]: `${url}/sendgrid`, [`${prefix}_API_KEY`]: API_KEY },
      ...{ [`${prefix}_EVENT_PUBLIC_KEY`]: publicKeys, [`${prefix}_INBOUND_PUBLIC_KEY`]: publicKeys },
    };
  },
  simulator: { apiKey: API_KEY, webhookSecret: 'whsec_Y3VycmVudA==' },
  secrets: { current: 'whsec_Y3VycmVudA==', previous: 'previous', other: 'other' },
  undocumented: { sendgrid: { unknown_fields: true } },
  message: { from: 'user@usehatchapp.com', body: '<b>Hello</b>' },
  recipient: (n) => `recipient-${n}@example.com`,
  recipientOf: ({ personalizations }) =>
    (personalizations as { to: { email: string }[] }[] | undefined)?.[0]?.to[0]?.email,
  outcomes: [
    {
      title: 'a 429, which SendGrid never processed',
      fault: { type: 'status', status: 429, retry_after: 1 },
      attempt: { outcome: 'throttled', code: 'http_429', http_status: 429 },
      class: 'rate_limited',
    },
    {
      title: 'wrong credentials, an operator error',
      fault: { type: 'status', status: 401, retry_after: 0 },
      attempt: { outcome: 'unavailable', code: 'http_401', http_status: 401 },
      class: 'account_problem',
    },
    {
      title: 'a 500 that did send',
      fault: { type: 'status', status: 500, accepted: true },
      attempt: { outcome: 'unknown', code: 'http_500', http_status: 500 },
      class: 'provider_error',
    },
    {
      title: 'a 503 that did not send',
      fault: { type: 'status', status: 503 },
      attempt: { outcome: 'unknown', code: 'http_503', http_status: 503 },
      ...{ class: 'provider_error', end: 'unknown', sent: 0 },
    },
    {
      title: 'a response without the id',
      fault: { type: 'malformed' },
      attempt: { outcome: 'unknown', code: 'malformed_response', http_status: 202 },
      class: 'provider_error',
    },
  ],
  refusals: [
    {
      title: 'an address that SendGrid refuses',
      ...{ to: 'reject@example.com', status: 'failed' },
      error: { code: 'invalid_recipient', class: 'invalid_destination' },
    },
    {
      title: 'a mailbox that bounces',
      ...{ to: 'bounce@example.com', status: 'undelivered' },
      error: { code: '4.2.2', class: 'unreachable' },
    },
    {
      title: 'an address on the list of bounces of SendGrid',
      ...{ to: 'dropped@example.com', status: 'failed' },
      error: { code: 'bounced_address', class: 'invalid_destination' },
    },
  ],
  reconciliations: [
    { title: 'a lost response, by the echo in an event', settings: {}, faults: [LOST], status: 'delivered' },
  ],
  statuses: {
    processed: 'sent',
    deferred: 'sent',
    delivered: 'delivered',
    bounce: 'undelivered',
    dropped: 'failed',
    open: 'sent',
    click: 'sent',
    spamreport: 'sent',
    unsubscribe: 'sent',
    group_unsubscribe: 'sent',
    group_resubscribe: 'sent',
  },
  progress: ['processed', 'deferred', 'delivered'],
  protectsMedia: false,
  unreadableFile: { code: '', class: '' },
  webhooks: {
    response: { contentType: 'application/json; charset=utf-8', body: '{}' },
    id: (n) => `14c5d75ce93.dfd.${n}`,
    receipt: (id, event, unknown = false, to = 'ada@example.com') => events(id, event, to, {}, unknown),
    hardBounce: (id, to) => events(id, 'bounce', to, { type: 'bounce', status: '5.1.1' }),
    sign: (webhook, { secret, at }) => ({
      ...webhook,
      headers: {
        ...signedHeaders(webhook.body, { key: secret, ...(at !== undefined && { at }) }),
        ...webhook.headers,
      },
    }),
    signatureHeader: 'x-twilio-email-event-webhook-signature',
    signsUrl: false,
    // SendGrid repeats events for a day.
    signsTime: false,
  },
};

describeKind('sendgrid', { email });
