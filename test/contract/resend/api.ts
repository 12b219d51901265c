import { MatchersV3 } from '@pact-foundation/pact';
import { CONTENT_ID, type Email, referenceEmail } from '../../support/mail.ts';
import type { Interaction } from '../agreement.ts';
import { filled, uuid } from '../shapes.ts';
import { checking, ID, mailbox, plainEmail, sending, WRONG_KEY } from './adapter.ts';

const { eachLike, integer, regex } = MatchersV3;

const accepted = { outcome: 'accepted' as const, httpStatus: 200, providerMessageId: ID };
const created: Interaction['response'] = { status: 200, body: { id: uuid(ID) } };
const base64 = (example: string) => regex(/^[A-Za-z0-9+/]+={0,2}$/, example);

/** What the service reads of an error: the name and the text. */
const error = (status: number, name: string, message: string): Interaction['response'] => ({
  status,
  body: { statusCode: integer(status), name, message: filled(message) },
});

function wholeEmail(): { message: Email; body: object } {
  const message = referenceEmail();
  const body = {
    from: mailbox('"Shop" <shop@example.com>'),
    to: eachLike(mailbox('"Ada" <ada@example.net>'), 2),
    cc: eachLike(mailbox('"Mary" <mary@example.net>')),
    bcc: eachLike(mailbox('audit-blind@example.org')),
    reply_to: eachLike(mailbox('"Support" <help@example.com>')),
    html: filled('<p>Hello!</p>'),
    headers: {
      'In-Reply-To': regex(/^<\S+>$/, '<question@mail.example.net>'),
      References: filled('<first@mail.example.net> <question@mail.example.net>'),
      'X-Ticket': filled('4711'),
      'List-Unsubscribe': filled('<https://example.com/unsubscribe?id=42>'),
    },
    attachments: [
      {
        ...{ filename: filled('logo.png'), content: base64('AAAA'), content_type: filled('image/png') },
        content_id: filled(CONTENT_ID),
      },
      { filename: filled('a.pdf'), content: base64('AAAA'), content_type: filled('application/pdf') },
    ],
  };
  return { message, body };
}

/** The requests of the service to Resend. */
export function requests(): Interaction[] {
  const message = plainEmail('ada@example.net');
  const rejected = plainEmail('reject@example.net');
  const limited = { headers: { 'Retry-After': regex(/^\d+$/, '30') } };
  return [
    sending({ message, outcome: accepted }, { is: 'a request to send an email', response: created }),
    sending(
      { ...wholeEmail(), outcome: accepted },
      { is: 'a request to send an email with HTML, files and copies', response: created },
    ),
    sending(
      { message: rejected, outcome: { outcome: 'rejected', code: 'validation_error' } },
      {
        is: 'a request to send to an invalid address',
        response: error(422, 'validation_error', 'Invalid to field.'),
      },
    ),
    sending(
      {
        ...{ message, key: WRONG_KEY },
        outcome: { outcome: 'unavailable', class: 'account_problem', isOperatorError: true },
      },
      {
        is: 'a request to send with a wrong key',
        response: error(401, 'validation_error', 'API key is invalid'),
      },
    ),
    sending(
      { message, outcome: { outcome: 'throttled', code: 'rate_limit_exceeded', retryAfterMs: 30_000 } },
      {
        is: 'a request to send above the rate limit of the account',
        given: ['the account exceeds its rate limit'],
        response: { ...error(429, 'rate_limit_exceeded', 'Too many requests.'), ...limited },
      },
    ),
    sending(
      { message, outcome: { outcome: 'unavailable', code: 'daily_quota_exceeded', isOperatorError: true } },
      {
        is: 'a request to send above the daily quota',
        given: ['the account has no quota left'],
        response: error(429, 'daily_quota_exceeded', 'You have reached your daily email sending quota.'),
      },
    ),
    sending(
      { message, outcome: { outcome: 'unknown', code: 'internal_server_error' } },
      {
        is: 'a request to send while Resend has an unexpected error',
        given: ['Resend has an unexpected error'],
        response: error(500, 'internal_server_error', 'An unexpected error occurred.'),
      },
    ),
    checking({
      is: 'a request for the domains',
      response: { status: 200, body: { data: eachLike({ status: 'verified' }) } },
    }),
  ];
}
