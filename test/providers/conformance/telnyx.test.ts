import { hash } from 'node:crypto';
import {
  API_KEY,
  eventBody,
  inboundPayload,
  publicKeyOf,
  seedFor,
  signedHeaders,
} from '../../support/telnyx.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { Subject, Webhook } from './suite/subject.ts';

const secrets = { current: seedFor('current'), previous: seedFor('previous'), other: seedFor('other') };
const PAGE = 'https://developers.telnyx.com/docs/overview/errors';
const LOST = { type: 'lost_response', times: 1 };
const UNKNOWN = { future: { field: [1] } };

const sms: Subject = {
  dialect: 'telnyx',
  account: 'telnyx',
  environment: (account, url, seeds) => {
    const prefix = account.toUpperCase();
    return {
      [`${prefix}_URL`]: `${url}/telnyx`,
      [`${prefix}_API_KEY`]: API_KEY,
      [`${prefix}_PUBLIC_KEY`]: seeds.map(publicKeyOf).join(','),
    };
  },
  simulator: { apiKey: API_KEY, telnyx: { seed: secrets.current } },
  secrets,
  undocumented: { telnyx: { unknown_fields: true, unknown_status: true } },
  message: { from: '+12016661234', type: 'sms', body: 'Hello' },
  recipient: (n) => `+1804555${String(n).padStart(4, '0')}`,
  recipientOf: ({ to }) => to,
  outcomes: [
    {
      title: 'a 429, which Telnyx never processed',
      fault: { type: 'status', status: 429, retry_after: 1 },
      attempt: { outcome: 'throttled', code: '10011', http_status: 429 },
      class: 'rate_limited',
    },
    {
      title: 'the code 40318, a full queue of the sender',
      fault: { type: 'status', status: 400, code: 40318, retry_after: 0 },
      attempt: { outcome: 'throttled', code: '40318', http_status: 400 },
      class: 'rate_limited',
    },
    {
      title: 'the code 40320, a number that is not ready yet',
      fault: { type: 'status', status: 400, code: 40320, retry_after: 0 },
      attempt: { outcome: 'unavailable', code: '40320', http_status: 400 },
      class: 'provider_error',
    },
    {
      title: 'wrong credentials, an operator error',
      fault: { type: 'status', status: 401 },
      attempt: { outcome: 'unavailable', code: '10009', http_status: 401 },
      class: 'account_problem',
    },
    {
      title: 'no credit, an operator error',
      fault: { type: 'status', status: 402, code: 20100 },
      attempt: { outcome: 'unavailable', code: '20100', http_status: 402 },
      class: 'account_problem',
    },
    {
      title: 'a 500 that did send',
      fault: { type: 'status', status: 500, accepted: true },
      attempt: { outcome: 'unknown', code: '10007', http_status: 500 },
      class: 'provider_error',
    },
    {
      title: 'a 503 that did not send',
      fault: { type: 'status', status: 503 },
      attempt: { outcome: 'unknown', code: '10007', http_status: 503 },
      class: 'provider_error',
      end: 'unknown',
      sent: 0,
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
      title: 'an invalid number',
      to: '+12010000009',
      status: 'failed',
      error: { code: '40310', class: 'invalid_destination', url: `${PAGE}/40310` },
    },
    {
      title: 'a recipient with a block rule, although the status is 409',
      to: '+18040040300',
      status: 'failed',
      error: { code: '40300', class: 'opted_out', url: `${PAGE}/40300` },
    },
    {
      title: 'a message that the carrier filters',
      to: '+18040040002',
      status: 'undelivered',
      error: { code: '40002', class: 'blocked_by_carrier', url: `${PAGE}/40002` },
    },
    {
      title: 'a phone that cannot be reached',
      to: '+18040040008',
      status: 'undelivered',
      error: { code: '40008', class: 'unreachable', url: `${PAGE}/40008` },
    },
    {
      title: 'a message that expired in the queue of Telnyx',
      to: '+18040040014',
      status: 'failed',
      error: { code: '40014', class: 'expired', url: `${PAGE}/40014` },
    },
  ],
  reconciliations: [
    {
      title: 'a lost response, by the echo in a report',
      settings: {},
      faults: [LOST],
      status: 'delivered',
    },
    {
      title: 'a lost response, also if the last report arrives first',
      settings: { receipts: { disorder: true } },
      faults: [LOST],
      status: 'delivered',
    },
  ],
  statuses: {
    queued: 'sent',
    sending: 'sent',
    sent: 'sent',
    delivered: 'delivered',
    sending_failed: 'failed',
    delivery_failed: 'undelivered',
    expired: 'failed',
    delivery_unconfirmed: 'sent',
  },
  progress: ['queued', 'sending', 'sent', 'delivered'],
  protectsMedia: false,
  unreadableFile: { code: '40317', class: 'content_rejected' },
  webhooks: {
    response: { contentType: 'application/json; charset=utf-8', body: '{}' },
    id: (n) => uuidOf(`conformance ${n}`),
    message: ({ id, from, to, body, attachments = [] }, unknown = false) =>
      event('message.received', uuidOf(`event of ${id}`), {
        ...inboundPayload({ id, text: body, type: attachments.length > 0 ? 'MMS' : 'SMS' }),
        from: { phone_number: from, carrier: '', line_type: 'Wireless' },
        to: [{ phone_number: to, carrier: '', line_type: 'VoIP', status: 'webhook_delivered' }],
        media: attachments.map((url) => ({ url, content_type: 'image/png', size: 1, sha256: null })),
        ...(unknown && UNKNOWN),
      }),
    receipt: (id, status, unknown = false) =>
      event('message.finalized', uuidOf(`${id} ${status}`), {
        ...{ record_type: 'message', direction: 'outbound', id, type: 'SMS', errors: [] },
        to: [{ phone_number: '+18045550001', status, carrier: '', line_type: 'Wireless' }],
        ...(unknown && UNKNOWN),
      }),
    sign: (webhook, { secret, at }) => ({
      ...webhook,
      headers: {
        ...webhook.headers,
        ...signedHeaders(webhook.body, { seed: secret, ...(at !== undefined && { at }) }),
      },
    }),
    signatureHeader: 'telnyx-signature-ed25519',
    signsUrl: false,
    signsTime: true,
    inbound: ({ from, to, body }) => ({ from, to, text: body }),
  },
};

function uuidOf(text: string): string {
  return hash('sha256', text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function event(type: string, id: string, payload: object): Webhook {
  const headers = { 'content-type': 'application/json' };
  return { path: '/api/webhooks/telnyx', headers, body: eventBody(type, payload, id) };
}

describeKind('telnyx', { sms });
