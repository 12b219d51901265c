import { MatchersV3 } from '@pact-foundation/pact';
import { filesAt } from '../../support/provider-server.ts';
import { link, mailbox, time } from '../shapes.ts';
import { answers, lookUps, outgoing, refusedRecipient, sending, taken } from './adapter.ts';

const { eachLike, string } = MatchersV3;

export function emails() {
  const from = 'user@usehatchapp.com';
  const to = ['contact@gmail.com'];
  const html = 'Hello! This is a test email message with <b>HTML</b> formatting.';
  const plain = {
    channel: 'email' as const,
    message: outgoing({ type: 'email', from, to, body: html }),
    body: {
      from: mailbox(from),
      to: mailbox('contact@gmail.com'),
      body: string(html),
      attachments: [],
      timestamp: time(),
    },
    outcome: { outcome: 'accepted' as const, providerMessageId: 'eml_1' },
  };
  const response = taken('eml_1');
  const file = 'https://example.com/document.pdf';
  const group = [...to, 'ada@example.com'];
  const refused = 'nobody@example.com';
  return [
    sending(plain, { is: 'a request to send an email with HTML', response }),
    sending(
      {
        ...plain,
        message: outgoing({
          type: 'email',
          from,
          to: group,
          cc: ['team@usehatchapp.com'],
          bcc: ['archive@usehatchapp.com'],
          reply_to: 'help@usehatchapp.com',
          subject: 'Thursday',
          body: html,
          files: filesAt(file),
        }),
        body: {
          ...plain.body,
          to: group.map(mailbox),
          cc: eachLike(mailbox('team@usehatchapp.com')),
          bcc: eachLike(mailbox('archive@usehatchapp.com')),
          reply_to: mailbox('help@usehatchapp.com'),
          subject: string('Thursday'),
          attachments: eachLike(link(file)),
        },
      },
      { is: 'a request to send an email to several, with copies, a subject and attachments', response },
    ),
    ...answers('email', plain, {
      ...plain,
      message: outgoing({ type: 'email', from, to: [refused], body: html }),
      body: { ...plain.body, to: refusedRecipient(refused) },
    }),
    ...lookUps('email'),
  ];
}
