import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { webhookSecret } from '../../support/harness.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { OutcomeCase, Subject, Webhook } from './suite/subject.ts';

const secretOf = (text: string) => `whsec_${Buffer.alloc(24, text).toString('base64')}`;
const secrets = { current: webhookSecret, previous: secretOf('previous'), other: secretOf('other') };
const KEY = 'provider-key';

/** A status of the provider in place of 202. */
const status = (title: string, http_status: number, outcome: string, errorClass: string, more = {}) => ({
  title: `a ${http_status}, ${title}`,
  fault: { type: 'status', status: http_status, retry_after: 0, ...more },
  attempt: { outcome, code: `simulated_${http_status}`, http_status },
  class: errorClass,
});

const outcomes: OutcomeCase[] = [
  status('which limits the rate', 429, 'throttled', 'rate_limited'),
  status('which means not accepted', 503, 'unavailable', 'provider_error'),
  status('which means not accepted', 500, 'unavailable', 'provider_error'),
  status('an operator error', 401, 'unavailable', 'account_problem'),
  status('an operator error', 402, 'unavailable', 'account_problem'),
  status(
    'a gateway without a response, although the provider accepted it',
    504,
    'unknown',
    'provider_error',
    {
      accepted: true,
    },
  ),
  status('a gateway without a response', 502, 'unknown', 'provider_error'),
  {
    title: 'a response that is no JSON',
    fault: { type: 'malformed' },
    attempt: { outcome: 'unknown', code: 'malformed_response', http_status: 202 },
    class: 'provider_error',
  },
];

/** The parts that the channels share. */
function shared(account: string, idField: 'messaging_provider_id' | 'xillio_id') {
  const event = (fields: object, unknown: boolean): Webhook => ({
    path: `/api/webhooks/${account}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...fields, ...(unknown && { future: { field: [1] } }) }),
  });
  return {
    dialect: 'standard',
    account,
    simulator: { apiKey: KEY, webhookSecret },
    secrets,
    environment: (name, url, own) => {
      const prefix = name.toUpperCase().replaceAll('-', '_');
      return {
        [`${prefix}_URL`]: url,
        [`${prefix}_KEY`]: KEY,
        [`${prefix}_WEBHOOK_SECRETS`]: own.join(','),
      };
    },
    recipientOf: ({ to }) => to,
    outcomes,
    reconciliations: [
      {
        title: 'a lost response, by a repeat with the same idempotency key',
        settings: {},
        faults: [{ type: 'lost_response', times: 1 }],
        status: 'delivered',
      },
    ],
    statuses: {
      queued: 'sent',
      sent: 'sent',
      delivered: 'delivered',
      undelivered: 'undelivered',
      failed: 'failed',
    },
    progress: ['queued', 'sent', 'delivered'],
    protectsMedia: true,
    unreadableFile: { code: 'media_unreadable', class: 'provider_error' },
    webhooks: {
      response: { contentType: 'application/json; charset=utf-8', body: '{}' },
      id: (n) => `conformance_${n}`,
      message: ({ id, ...fields }, unknown = false) =>
        event({ [idField]: id, timestamp: new Date(0).toISOString(), ...fields }, unknown),
      receipt: (id: string, word: string, unknown = false, _to = '', more = {}) =>
        event({ [idField]: id, status: word, timestamp: new Date(0).toISOString(), ...more }, unknown),
      sign: (webhook, { secret, at = Math.floor(Date.now() / 1_000) }) => ({
        ...webhook,
        headers: { ...webhook.headers, ...sign(secret, 'evt_1', at, Buffer.from(webhook.body)) },
      }),
      signatureHeader: 'webhook-signature',
      signsUrl: false,
      signsTime: true,
      inbound: (fields) => fields,
    },
  } satisfies Partial<Subject>;
}

const sms: Subject = {
  ...shared('text-co', 'messaging_provider_id'),
  message: { from: '+12016661234', type: 'sms', body: 'Hello' },
  recipient: (n) => `+1804555${String(n).padStart(4, '0')}`,
  refusals: [
    {
      title: 'a recipient that the provider refuses',
      to: '+12010000009',
      status: 'failed',
      error: { code: 'invalid_recipient', class: 'provider_error' },
    },
    {
      title: 'a recipient that cannot be reached',
      to: '+12010000008',
      status: 'undelivered',
      error: { code: '30003', class: 'provider_error' },
    },
  ],
};

const mail = shared('mail-co', 'xillio_id');

const email: Subject = {
  ...mail,
  webhooks: {
    ...mail.webhooks,
    hardBounce: (id) => mail.webhooks.receipt(id, 'bounced', false, '', { bounce: 'hard' }),
  },
  message: { from: 'user@usehatchapp.com', body: '<b>Hello</b>' },
  recipient: (n) => `recipient-${n}@example.com`,
  refusals: [
    {
      title: 'a recipient that the provider refuses',
      to: 'reject@example.com',
      status: 'failed',
      error: { code: 'invalid_recipient', class: 'provider_error' },
    },
    {
      title: 'a mailbox that bounces',
      to: 'bounce@example.com',
      status: 'undelivered',
      error: { code: '30003', class: 'provider_error' },
    },
  ],
};

describeKind('standard', { sms, email });
