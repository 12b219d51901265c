import { ACCESS_KEY_ID, notification, SECRET_ACCESS_KEY, sesEvent, TOPIC } from '../../support/ses.ts';
import { describeKind } from './suite/describe-kind.ts';
import type { Subject, Webhook } from './suite/subject.ts';

/** A topic takes the place of a secret: SNS signs the messages of every topic with one key. */
const secrets = { current: TOPIC, previous: `${TOPIC}-previous`, other: `${TOPIC}-other` };
const ACCOUNT = 'ses';
const LOST = { type: 'lost_response', times: 1 };
const AT = '2026-11-26T10:00:02.000Z';

/** The simulator of the service, which has the certificate. */
let host = '';

const recipients = (field: string, to: string) => ({ timestamp: AT, [field]: [{ emailAddress: to }] });
/** The part of an event that is about its type. */
const contentsFor = (to: string): Record<string, object> => ({
  Send: { send: {} },
  Delivery: { delivery: { timestamp: AT, recipients: [to] } },
  Bounce: { bounce: { bounceType: 'Transient', ...recipients('bouncedRecipients', to) } },
  Complaint: { complaint: recipients('complainedRecipients', to) },
  Reject: { reject: { reason: 'Bad content' } },
  'Rendering Failure': { failure: { errorMessage: 'A fault' } },
  DeliveryDelay: { deliveryDelay: recipients('delayedRecipients', to) },
  Open: { open: { timestamp: AT } },
  Click: { click: { timestamp: AT, link: 'https://example.com/' } },
});

/** A webhook without its signature, whose body is the message. */
function webhookOf(event: object, unknown = false): Webhook {
  const body = JSON.stringify({ ...event, ...(unknown && { future: { field: [1] } }) });
  return { path: `/api/webhooks/${ACCOUNT}`, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body };
}

const status = (title: string, http_status: number, code: string, more = {}) => ({
  title,
  fault: { type: 'status', status: http_status, code, retry_after: 0 },
  attempt: { outcome: 'unavailable', code, http_status },
  class: 'account_problem',
  ...more,
});

const email: Subject = {
  dialect: 'ses',
  account: ACCOUNT,
  environment: (account, url, topics) => {
    const prefix = account.toUpperCase();
    host = url;
    return {
      ...{ [`${prefix}_URL`]: `${url}/ses`, [`${prefix}_REGION`]: 'us-east-1' },
      ...{ [`${prefix}_ACCESS_KEY_ID`]: ACCESS_KEY_ID, [`${prefix}_SECRET_ACCESS_KEY`]: SECRET_ACCESS_KEY },
      [`${prefix}_TOPIC_ARNS`]: topics.join(','),
    };
  },
  simulator: { apiKey: SECRET_ACCESS_KEY, ses: { topicArn: TOPIC } },
  secrets,
  undocumented: { ses: { unknown_fields: true, signature_version: '2', feedback: true } },
  message: { from: 'user@usehatchapp.com', body: '<b>Hello</b>' },
  recipient: (n) => `recipient-${n}@example.com`,
  recipientOf: ({ Destination }) => (Destination as { ToAddresses: string[] }).ToAddresses[0],
  outcomes: [
    status('a 429, which SES never processed', 429, 'TooManyRequestsException', {
      attempt: { outcome: 'throttled', code: 'TooManyRequestsException', http_status: 429 },
      class: 'rate_limited',
    }),
    status('a throttled request with the status 400', 400, 'ThrottlingException', {
      attempt: { outcome: 'throttled', code: 'ThrottlingException', http_status: 400 },
      class: 'rate_limited',
    }),
    status('the daily quota, an operator error', 400, 'LimitExceededException'),
    status('a paused account, an operator error', 400, 'SendingPausedException'),
    status('wrong credentials, an operator error', 403, 'UnrecognizedClientException'),
    {
      title: 'a 500 that did send',
      fault: { type: 'status', status: 500, accepted: true },
      attempt: { outcome: 'unknown', code: 'InternalFailure', http_status: 500 },
      class: 'provider_error',
    },
    {
      title: 'a 503 that did not send',
      fault: { type: 'status', status: 503 },
      attempt: { outcome: 'unknown', code: 'ServiceUnavailable', http_status: 503 },
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
      title: 'an address that SES refuses',
      to: 'reject@example.com',
      status: 'failed',
      error: { code: 'BadRequestException', class: 'invalid_destination' },
    },
    {
      title: 'a mailbox that bounces',
      to: 'bounce@example.com',
      status: 'undelivered',
      error: { code: '4.2.2', class: 'unreachable' },
    },
    {
      title: 'an email that SES drops',
      to: 'dropped@example.com',
      status: 'failed',
      error: { code: 'Reject', class: 'content_rejected' },
    },
  ],
  reconciliations: [
    { title: 'a lost response, by the tag in an event', settings: {}, faults: [LOST], status: 'delivered' },
    {
      title: 'a lost response, also if the last event arrives first',
      settings: { receipts: { disorder: true } },
      faults: [LOST],
      status: 'delivered',
    },
  ],
  statuses: {
    Send: 'sent',
    DeliveryDelay: 'sent',
    Delivery: 'delivered',
    Bounce: 'undelivered',
    Complaint: 'sent',
    Reject: 'failed',
    'Rendering Failure': 'failed',
    Open: 'sent',
    Click: 'sent',
  },
  progress: ['Send', 'DeliveryDelay', 'Delivery'],
  protectsMedia: false,
  unreadableFile: { code: '', class: '' },
  webhooks: {
    response: { contentType: 'application/json; charset=utf-8', body: '{}' },
    id: (n) => `0100018b${String(n).padStart(8, '0')}-aaaa-000000`,
    receipt: (id, type, unknown = false, to = 'ada@example.com') =>
      webhookOf(sesEvent(type, { id, to: [to], ...contentsFor(to)[type] }), unknown),
    hardBounce: (id, to) =>
      webhookOf(
        sesEvent('Bounce', {
          id,
          bounce: { bounceType: 'Permanent', ...recipients('bouncedRecipients', to) },
        }),
      ),
    sign: (webhook, { secret }) => {
      const { headers, fields } = notification(webhook.body, { host, topic: secret });
      return { ...webhook, headers: { ...webhook.headers, ...headers }, body: JSON.stringify(fields) };
    },
    signatureHeader: 'x-amz-sns-message-type',
    signsUrl: false,
    signsTime: false,
  },
};

describeKind('ses', { email });
