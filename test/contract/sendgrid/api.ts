import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { SendOutcome } from '../../../src/providers/provider.ts';
import { CONTENT_ID, type Email, referenceEmail } from '../../support/mail.ts';
import { sendgridProvider } from '../../support/sendgrid.ts';
import type { Interaction } from '../agreement.ts';
import { once } from '../provider-api/adapter.ts';
import { plainEmail } from '../resend/adapter.ts';
import { filled } from '../shapes.ts';

const { eachLike, regex } = MatchersV3;

export const KEY = 'provider-key';
const WRONG_KEY = 'wrong-key-of-sendgrid';
export const ID = '14c5d75ce93.dfd.64b469';

const address = (example: string) => ({ email: regex(/^[^\s@]+@[^\s@]+$/, example) });
const named = (name: string, example: string) => ({ name: filled(name), ...address(example) });
const base64 = (example: string) => regex(/^[A-Za-z0-9+/]+={0,2}$/, example);
const bearer = (key: string) => ({ Authorization: regex(/^Bearer \S+$/, `Bearer ${key}`) });
const bracketed = (example: string) => regex(/^<\S+>$/, example);
const custom_args = { echo: regex(/^[\w-]{24,36}$/, '16-ihwPbl0bTFedDj8LakwuAQ') };

const accepted = { outcome: 'accepted' as const, httpStatus: 202, providerMessageId: ID };
const created: Interaction['response'] = {
  ...{ status: 202, headers: { 'X-Message-Id': regex(/^[\w.-]{8,64}$/, ID) } },
};
/** What the service reads of an error: the text and the field. */
const error = (status: number, message: string, field: string | null): Interaction['response'] => ({
  status,
  body: { errors: [{ message: filled(message), field }] },
});

interface Sending {
  message: Email;
  body?: object;
  key?: string;
  outcome: Partial<SendOutcome>;
}

function sending(
  { message, body = {}, key = KEY, outcome }: Sending,
  about: Pick<Interaction, 'is' | 'given' | 'response'>,
): Interaction {
  return {
    ...about,
    request: {
      ...{ method: 'POST', path: '/v3/mail/send', headers: bearer(key) },
      body: {
        personalizations: [{ to: [address(String(message.to[0]))], custom_args }],
        ...{ from: address(message.from), subject: filled('Hello') },
        content: [{ type: 'text/plain', value: filled('Hello!') }],
        headers: { 'Message-ID': bracketed('<m42.4f1d@example.com>') },
        ...body,
      },
    },
    asks: async (url) => {
      const provider = sendgridProvider(url, { apiKey: key });
      expect(await provider.send(message, once())).to.deep.include(outcome);
    },
  };
}

function wholeEmail(): { message: Email; body: object } {
  const body = {
    personalizations: [
      {
        to: [named('Ada', 'ada@example.net'), address('grace@example.net')],
        cc: [named('Mary', 'mary@example.net')],
        bcc: [address('audit-blind@example.org')],
        custom_args,
      },
    ],
    from: named('Shop', 'shop@example.com'),
    reply_to: named('Support', 'help@example.com'),
    content: [
      { type: 'text/plain', value: filled('Hello!') },
      { type: 'text/html', value: filled('<p>Hello!</p>') },
    ],
    headers: {
      'Message-ID': bracketed('<m42.4f1d@example.com>'),
      'In-Reply-To': bracketed('<question@mail.example.net>'),
      References: filled('<first@mail.example.net> <question@mail.example.net>'),
      'X-Ticket': filled('4711'),
      'List-Unsubscribe': filled('<https://example.com/unsubscribe?id=42>'),
    },
    attachments: [
      {
        ...{ content: base64('AAAA'), filename: filled('logo.png'), type: filled('image/png') },
        ...{ disposition: 'inline', content_id: filled(CONTENT_ID) },
      },
      {
        ...{ content: base64('AAAA'), filename: filled('a.pdf'), type: filled('application/pdf') },
        disposition: 'attachment',
      },
    ],
  };
  return { message: referenceEmail(), body };
}

/** The requests of the service to SendGrid. */
export function requests(): Interaction[] {
  const message = plainEmail('ada@example.net');
  return [
    sending({ message, outcome: accepted }, { is: 'a request to send an email', response: created }),
    sending(
      { ...wholeEmail(), outcome: accepted },
      { is: 'a request to send an email with HTML, files and copies', response: created },
    ),
    sending(
      {
        message: plainEmail('reject@example.net'),
        outcome: { outcome: 'rejected', class: 'invalid_destination' },
      },
      {
        is: 'a request to send to an invalid address',
        response: error(400, 'Does not contain a valid address.', 'personalizations.0.to.0.email'),
      },
    ),
    sending(
      {
        ...{ message, key: WRONG_KEY },
        outcome: { outcome: 'unavailable', class: 'account_problem', isOperatorError: true },
      },
      {
        is: 'a request to send with a wrong key',
        response: error(401, 'The provided authorization grant is invalid, expired, or revoked', null),
      },
    ),
    sending(
      { message, outcome: { outcome: 'throttled', retryAfterMs: 30_000 } },
      {
        is: 'a request to send above the rate limit of the account',
        given: ['the account exceeds its rate limit'],
        response: {
          ...error(429, 'too many requests', null),
          headers: { 'Retry-After': regex(/^\d+$/, '30') },
        },
      },
    ),
    sending(
      { message, outcome: { outcome: 'unknown', code: 'http_500' } },
      {
        is: 'a request to send while SendGrid has an unexpected error',
        given: ['SendGrid has an unexpected error'],
        response: error(500, 'internal server error', null),
      },
    ),
    {
      is: 'a request for the permissions of the key',
      request: { method: 'GET', path: '/v3/scopes', headers: bearer(KEY) },
      response: { status: 200, body: { scopes: eachLike('mail.send') } },
      asks: async (url) => {
        const [check] = (await sendgridProvider(url, { apiKey: KEY }).check?.(once())) ?? [];
        expect(check?.result, check?.text).to.equal('ok');
      },
    },
  ];
}
