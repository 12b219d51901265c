import { MatchersV3 } from '@pact-foundation/pact';
import type { SendMessage } from '../../../sdk/src/index.ts';
import { email, mms, sms } from '../../support/bodies.ts';
import type { Interaction } from '../agreement.ts';
import { link, mailbox, phone, time } from '../shapes.ts';
import { call, IDS, keyed } from './call.ts';
import * as resources from './resources.ts';

const { eachLike, string } = MatchersV3;
const { message, page } = resources;
const { id } = IDS;

export function sends(): Interaction[] {
  const text = {
    from: phone(sms.from),
    to: phone(sms.to),
    body: string(sms.body),
    timestamp: time(sms.timestamp),
  };
  const send_at = '2099-01-01T00:00:00.000Z';
  const picture = mms.attachments[0] as string;
  const attachments = ['https://example.com/document.pdf'];
  const more = {
    subject: 'Thursday',
    cc: ['team@usehatchapp.com'],
    bcc: ['archive@usehatchapp.com'],
    reply_to: 'help@usehatchapp.com',
  };
  const mail = {
    from: mailbox(email.from),
    to: eachLike(mailbox(email.to)),
    body: string(email.body),
    subject: string(more.subject),
    cc: eachLike(mailbox('team@usehatchapp.com')),
    bcc: eachLike(mailbox('archive@usehatchapp.com')),
    reply_to: mailbox(more.reply_to),
    attachments: eachLike(link(attachments[0] as string)),
    timestamp: time(email.timestamp),
  };
  const given = { ...email, ...more, to: [email.to], type: 'email' as const, attachments };
  const plain = { ...text, type: 'sms', attachments: null };
  const metadata = { campaign: 'autumn' };
  const later = { send_at: time(send_at), metadata: { campaign: string('autumn') } };
  return [
    sending('a request to send an SMS', { n: 1, message: sms, body: plain, answered: {} }),
    sending('a request to send an MMS', {
      n: 2,
      message: mms,
      body: { ...text, type: 'mms', attachments: eachLike(link(picture)) },
      answered: resources.attachment(picture),
    }),
    sending('a request to send an email', {
      n: 3,
      message: given,
      body: { ...mail, type: 'email' },
      answered: { ...mail, type: 'email', to: [mailbox(email.to)], segments: null },
    }),
    sending('a request to send an SMS later, with metadata', {
      n: 4,
      message: { ...sms, send_at, metadata },
      body: { ...plain, ...later },
      answered: { status: 'scheduled', send_at: time(send_at), next_attempt_at: time(send_at), metadata },
    }),
  ];
}

interface Sending {
  /** Makes its Idempotency-Key. */
  n: number;
  message: SendMessage;
  body: object;
  answered: object;
}

function sending(is: string, { n, message: given, body, answered }: Sending): Interaction {
  return call({
    is,
    operation: 'POST /api/messages/send',
    headers: keyed(n),
    body,
    response: { status: 202, body: message(answered) },
    calls: ({ messages }) => messages.send(given),
  });
}

export function reads(): Interaction[] {
  const given: Interaction['given'] = ['a message was delivered'];
  return [
    call({
      is: 'a request for a message',
      given,
      operation: 'GET /api/messages/{id}',
      response: { status: 200, body: resources.delivered },
      calls: ({ messages }) => messages.get(id),
    }),
    call({
      is: 'a request for the messages that fit all filters',
      given,
      operation: 'GET /api/messages',
      query: { participant: sms.to, direction: 'outbound', type: 'sms', status: 'delivered', limit: '10' },
      response: { status: 200, body: page(resources.delivered) },
      calls: ({ messages }) =>
        messages.list({
          participant: sms.to,
          direction: 'outbound',
          type: 'sms',
          status: 'delivered',
          limit: 10,
        }),
    }),
    call({
      is: 'a search for messages',
      given,
      operation: 'GET /api/messages',
      query: { q: 'hello' },
      response: { status: 200, body: page({ ...resources.delivered, ...resources.highlight }) },
      calls: ({ messages }) => messages.list({ q: 'hello' }),
    }),
    call({
      is: 'a request for the attempts to deliver a message',
      given,
      operation: 'GET /api/messages/{id}/attempts',
      response: {
        status: 200,
        body: page(resources.attempt),
      },
      calls: ({ messages }) => messages.attempts(id),
    }),
    call({
      is: 'a request for the timeline of a message',
      given: ['a message is scheduled'],
      operation: 'GET /api/messages/{id}/timeline',
      response: { status: 200, body: page(resources.statusEntry) },
      calls: ({ messages }) => messages.timeline(id),
    }),
  ];
}
