import { MatchersV3 } from '@pact-foundation/pact';
import { inboundEmail } from '../../../src/simulator/dialects/standard/email.ts';
import type { WebhookSender } from '../../../src/simulator/dialects/standard/webhooks.ts';
import { filled, link, mailbox, time } from '../shapes.ts';
import { deliver, webhook } from './webhook.ts';

const { eachLike, string } = MatchersV3;

export function emails() {
  const path = '/api/webhooks/email';
  const html = '<html><body>html is <b>allowed</b></body></html>';
  const fields = { xillio_id: 'in_2', body: html, timestamp: '2024-11-01T14:00:00.000Z' };
  const body = {
    from: mailbox('contact@gmail.com'),
    to: mailbox('user@usehatchapp.com'),
    xillio_id: filled('in_2'),
    body: string(html),
    attachments: [],
    timestamp: time(),
  };
  const sends = (more: object) => (sender: WebhookSender, url: string) =>
    deliver(sender, url + path, inboundEmail({ ...fields, ...more }));
  return [
    webhook({ is: 'an inbound email with HTML', path, body, sends: sends({}) }),
    webhook({
      is: 'an inbound email that was delivered before',
      given: ['an inbound message was recorded', { channel: 'email', provider_message_id: 'in_2' }],
      path,
      body,
      sends: sends({}),
    }),
    webhook({
      is: 'an inbound email with a signature by another secret',
      path,
      body,
      forged: true,
      sends: sends({}),
    }),
    webhook({
      is: 'an inbound email with attachments, a subject and a copy',
      path,
      body: {
        ...body,
        subject: string('Thursday'),
        cc: eachLike(mailbox('team@usehatchapp.com')),
        attachments: eachLike(link('https://example.com/d.pdf')),
      },
      sends: sends({
        subject: 'Thursday',
        cc: ['team@usehatchapp.com'],
        attachments: ['https://example.com/d.pdf'],
      }),
    }),
    webhook({
      is: 'an inbound email with a text, headers, a thread and a described file',
      path,
      body: {
        ...body,
        ...{ body_type: 'html', text: string('html is allowed') },
        headers: { 'X-Mailer': string('Mail 1') },
        ...{ message_id: filled('reply@gmail.com'), in_reply_to: filled('question@usehatchapp.com') },
        references: eachLike(filled('question@usehatchapp.com')),
        attachments: eachLike(link('https://example.com/d.pdf')),
        files: eachLike({ filename: filled('d.pdf'), content_type: filled('application/pdf') }),
      },
      sends: sends({
        ...{ body_type: 'html', text: 'html is allowed', headers: { 'X-Mailer': 'Mail 1' } },
        ...{ message_id: 'reply@gmail.com', in_reply_to: 'question@usehatchapp.com' },
        ...{ references: ['question@usehatchapp.com'], attachments: ['https://example.com/d.pdf'] },
        files: [{ filename: 'd.pdf', content_type: 'application/pdf' }],
      }),
    }),
  ];
}
