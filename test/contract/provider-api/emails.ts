import { MatchersV3 } from '@pact-foundation/pact';
import { referenceEmail } from '../../support/mail.ts';
import { filesAt } from '../../support/provider-server.ts';
import { filled, link, mailbox, time } from '../shapes.ts';
import { answers, lookUps, outgoing, refusedRecipient, sending, taken } from './adapter.ts';

const { eachLike, integer, regex, string } = MatchersV3;
const messageId = (example: string) => regex(/^[^<>\s]+$/, example);

/** An email with every part, and its request. */
function wholeEmail(delivery_key: string) {
  const whole = referenceEmail({ delivery_key });
  const url = 'https://example.com/document.pdf';
  const files = whole.files.slice(0, 1).map((file) => ({ ...file, url, content: null }));
  const names = { 'ada@example.net': 'Ada Lovelace, Countess' };
  const message = { ...whole, files, email: { ...whole.email, names, headers: { 'X-Ticket': '4711' } } };
  const { from, to, subject, body, email } = message;
  return {
    message,
    body: {
      ...{ from: mailbox(from), to: to.map(mailbox), cc: eachLike(mailbox('team@usehatchapp.com')) },
      ...{ bcc: eachLike(mailbox('archive@usehatchapp.com')), reply_to: mailbox('help@usehatchapp.com') },
      ...{ subject: string(String(subject)), body: string(body), body_type: 'html', text: string('Hello!') },
      headers: { 'X-Ticket': string('4711') },
      names: { 'ada@example.net': filled('Ada Lovelace, Countess') },
      ...{ message_id: messageId(email.messageId), in_reply_to: messageId(String(email.inReplyTo)) },
      references: eachLike(messageId('first@mail.example.net')),
      attachments: eachLike(link(url)),
      files: eachLike({
        ...{ url: link(url), filename: filled('logo.png'), content_type: filled('image/png') },
        ...{ size: integer(70), content_id: filled('logo.1@example.com') },
      }),
      timestamp: time(),
    },
  };
}

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
    sending(
      { ...plain, ...wholeEmail(plain.message.delivery_key) },
      {
        is: 'a request to send an email with a text, headers, names, a thread and described files',
        response,
      },
    ),
    ...answers('email', plain, {
      ...plain,
      message: outgoing({ type: 'email', from, to: [refused], body: html }),
      body: { ...plain.body, to: refusedRecipient(refused) },
    }),
    ...lookUps('email'),
  ];
}
