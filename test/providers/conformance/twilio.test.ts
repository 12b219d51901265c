import { API_VERSION } from '../../../src/simulator/dialects/twilio/message.ts';
import { signForm } from '../../../src/simulator/dialects/twilio/webhooks/signature.ts';
import { ACCOUNT_SID } from '../../support/twilio.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { Subject, Webhook } from './suite/subject.ts';

const tokens = { current: 'a', previous: 'b', other: 'c' };
const secrets = {
  current: tokens.current.repeat(32),
  previous: tokens.previous.repeat(32),
  other: tokens.other.repeat(32),
};
const PAGE = 'https://www.twilio.com/docs/api/errors';
const LOST = { type: 'lost_response', times: 1 };
const UNKNOWN = { FutureField: " it's new & + ", FutureList: 'a' };

const sms: Subject = {
  dialect: 'twilio',
  account: 'twilio',
  environment: (account, url, [current, ...others]) => {
    const prefix = account.toUpperCase();
    return {
      [`${prefix}_URL`]: `${url}/twilio`,
      [`${prefix}_ACCOUNT_SID`]: ACCOUNT_SID,
      [`${prefix}_AUTH_TOKEN`]: [current, ...others].join(','),
    };
  },
  simulator: { apiKey: secrets.current, twilio: { accountSid: ACCOUNT_SID } },
  secrets,
  message: { from: '+12016661234', type: 'sms', body: 'Hello' },
  recipient: (n) => `+1804555${String(n).padStart(4, '0')}`,
  recipientOf: ({ To }) => To,
  outcomes: [
    {
      title: 'a 429, which Twilio never processed',
      fault: { type: 'status', status: 429, retry_after: 1 },
      attempt: { outcome: 'throttled', code: '20429', http_status: 429 },
      class: 'rate_limited',
    },
    {
      title: 'the code 21611, a full queue of the sender',
      fault: { type: 'status', status: 400, code: 21611, retry_after: 0 },
      attempt: { outcome: 'throttled', code: '21611', http_status: 400 },
      class: 'rate_limited',
    },
    {
      title: 'the code 20503, which Twilio did not process',
      fault: { type: 'status', status: 503, retry_after: 0 },
      attempt: { outcome: 'unavailable', code: '20503', http_status: 503 },
      class: 'provider_error',
    },
    {
      title: 'wrong credentials, an operator error',
      fault: { type: 'status', status: 401 },
      attempt: { outcome: 'unavailable', code: '20003', http_status: 401 },
      class: 'account_problem',
    },
    {
      title: 'a sender that is not registered, an operator error',
      fault: { type: 'status', status: 400, code: 30034 },
      attempt: { outcome: 'unavailable', code: '30034', http_status: 400 },
      class: 'sender_not_allowed',
    },
    {
      title: 'a 500 that did send',
      fault: { type: 'status', status: 500, accepted: true },
      attempt: { outcome: 'unknown', code: '20500', http_status: 500 },
      class: 'provider_error',
    },
    {
      title: 'a 500 that did not send',
      fault: { type: 'status', status: 500 },
      attempt: { outcome: 'unknown', code: '20500', http_status: 500 },
      class: 'provider_error',
      end: 'unknown',
      sent: 0,
    },
    {
      title: 'a response that is no JSON',
      fault: { type: 'malformed' },
      attempt: { outcome: 'unknown', code: 'malformed_response', http_status: 201 },
      class: 'provider_error',
    },
  ],
  refusals: [
    {
      title: 'an invalid number',
      to: '+15005550001',
      status: 'failed',
      error: { code: '21211', class: 'invalid_destination', url: `${PAGE}/21211` },
    },
    {
      title: 'a number that is no mobile number',
      to: '+15005550009',
      status: 'failed',
      error: { code: '21614', class: 'invalid_destination', url: `${PAGE}/21614` },
    },
    {
      title: 'a message that the carrier filters',
      to: '+18040030007',
      status: 'undelivered',
      error: { code: '30007', class: 'blocked_by_carrier', url: `${PAGE}/30007` },
    },
    {
      title: 'a phone that is switched off',
      to: '+18040030003',
      status: 'undelivered',
      error: { code: '30003', class: 'unreachable', url: `${PAGE}/30003` },
    },
  ],
  optedOut: '+15005550004',
  reconciliations: [
    {
      title: 'a lost response, by the echo in a callback',
      settings: {},
      faults: [LOST, { type: 'status', status: 503, applies_to: 'lookup' }],
      status: 'delivered',
    },
    {
      title: 'a lost response and lost callbacks, by a look-up',
      settings: { receipts: { enabled: false } },
      faults: [LOST],
      status: 'sent',
    },
  ],
  statuses: {
    accepted: 'sent',
    scheduled: 'sent',
    queued: 'sent',
    sending: 'sent',
    sent: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    partially_delivered: 'undelivered',
    undelivered: 'undelivered',
    failed: 'failed',
    canceled: 'failed',
  },
  undocumented: { twilio: { unknown_fields: true, unknown_status: true } },
  progress: ['queued', 'sending', 'sent', 'delivered'],
  protectsMedia: true,
  unreadableFile: { code: '11200', class: 'content_rejected' },
  webhooks: {
    response: {
      contentType: 'text/xml; charset=utf-8',
      body: '<?xml version="1.0" encoding="UTF-8"?><Response></Response>',
    },
    id: (n) => `SM${n.toString(16).padStart(32, '0')}`,
    message: ({ id, from, to, body, attachments = [] }, unknown = false) =>
      form({
        ...{
          MessageSid: id,
          SmsSid: id,
          SmsMessageSid: id,
          AccountSid: ACCOUNT_SID,
          ApiVersion: API_VERSION,
        },
        ...{ From: from, To: to, Body: body, NumMedia: String(attachments.length), NumSegments: '1' },
        ...Object.fromEntries(attachments.map((url, index) => [`MediaUrl${index}`, url])),
        ...(unknown && UNKNOWN),
      }),
    receipt: (id, status, unknown = false) =>
      form({
        ...{ MessageSid: id, SmsSid: id, AccountSid: ACCOUNT_SID, ApiVersion: API_VERSION },
        ...{ MessageStatus: status, SmsStatus: status },
        ...(unknown && UNKNOWN),
      }),
    sign: (webhook, { secret, url }) => ({
      ...webhook,
      headers: {
        ...webhook.headers,
        'x-twilio-signature': signForm(secret, url + webhook.path, new URLSearchParams(webhook.body)),
      },
    }),
    signatureHeader: 'x-twilio-signature',
    signsUrl: true,
    signsTime: false,
    inbound: ({ from, to, body }) => ({ From: from, To: to, Body: body }),
  },
};

function form(parameters: Record<string, string>): Webhook {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { path: '/api/webhooks/twilio', headers, body: new URLSearchParams(parameters).toString() };
}

describeKind('twilio', { sms });
