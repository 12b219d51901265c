import { freePort } from '../../support/process.ts';
import { PASSWORD } from '../../support/smtp.ts';
import { describeKind } from './suite/describe-kind.ts';
import { NO_WEBHOOKS, type OutcomeCase, type Subject } from './suite/subject.ts';

const port = await freePort();

const outcomes: OutcomeCase[] = [
  ...['rcpt', 'data', 'end'].map((phase) => ({
    title: `a reply 451 to ${phase}`,
    fault: { type: 'smtp', phase, reply: '451 4.3.0 Try again later' },
    attempt: { outcome: 'unavailable', code: 'smtp_451_4_3_0', http_status: null },
    class: 'provider_error',
  })),
  {
    title: 'a reply 554 to the data, which the message causes',
    fault: { type: 'smtp', phase: 'end', reply: '554 5.7.1 Spam' },
    attempt: { outcome: 'rejected', code: 'smtp_554_5_7_1', http_status: null },
    ...{ class: 'content_rejected', end: 'failed', sent: 0 },
  },
  {
    title: 'a connection that is lost after the final dot',
    fault: { type: 'smtp', phase: 'end', cut: true, accepted: true },
    attempt: { outcome: 'unknown', code: 'connection_lost_after_data', http_status: null },
    ...{ class: 'provider_error', end: 'unknown' },
  },
];

const email: Subject = {
  ...{ dialect: 'smtp', account: 'smtp', lastStatus: 'sent' },
  environment: (name) => {
    const prefix = name.toUpperCase().replaceAll('-', '_');
    return {
      [`${prefix}_URL`]: `smtp://shop:${PASSWORD}@127.0.0.1:${port}`,
      [`${prefix}_REQUIRE_TLS`]: 'false',
    };
  },
  simulator: { apiKey: PASSWORD, smtp: { port } },
  secrets: { current: '', previous: '', other: '' },
  message: { from: 'shop@example.com', body: '<b>Hello</b>' },
  recipient: (n) => `recipient-${n}@example.com`,
  recipientOf: ({ to }) => (to as string[])[0],
  outcomes,
  refusals: [
    {
      title: 'a mailbox that does not exist',
      ...{ to: 'reject@example.com', status: 'failed' },
      error: { code: 'smtp_550_5_1_1', class: 'invalid_destination' },
    },
  ],
  reconciliations: [],
  statuses: {},
  progress: [],
  protectsMedia: false,
  unreadableFile: { code: '', class: '' },
  webhooks: NO_WEBHOOKS,
};

describeKind('smtp', { email });
