import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { SendOutcome } from '../../../src/providers/provider.ts';
import { CONTENT_ID, type Email, referenceEmail } from '../../support/mail.ts';
import { postmarkProvider, SERVER_TOKEN } from '../../support/postmark.ts';
import type { Interaction } from '../agreement.ts';
import { once } from '../provider-api/adapter.ts';
import { plainEmail } from '../resend/adapter.ts';
import { filled, mailbox, uuid } from '../shapes.ts';

const { integer, regex } = MatchersV3;

export const ID = '883953f4-6105-42a2-a16a-77a8eac79483';
const ECHO = regex(/^[\w-]{24,36}$/, '16-ihwPbl0bTFedDj8LakwuAQ');
const token = { 'X-Postmark-Server-Token': regex(/^\S+$/, SERVER_TOKEN) };
const header = (Name: string, example: string) => ({ Name, Value: filled(example) });
const base64 = (example: string) => regex(/^[A-Za-z0-9+/]+={0,2}$/, example);

const accepted = { outcome: 'accepted' as const, httpStatus: 200, providerMessageId: ID };
const created: Interaction['response'] = {
  ...{ status: 200, body: { MessageID: uuid(ID), ErrorCode: 0, Message: filled('OK') } },
};
/** What the service reads of an error: the code and the text. */
const error = (status: number, code: number, message: string): Interaction['response'] => ({
  ...{ status, body: { ErrorCode: code, Message: filled(message) } },
});

interface Sending {
  message: Email;
  body?: object;
  outcome: Partial<SendOutcome>;
}

function sending(
  { message, body = {}, outcome }: Sending,
  about: Pick<Interaction, 'is' | 'given' | 'response'>,
): Interaction {
  return {
    ...about,
    request: {
      ...{ method: 'POST', path: '/email', headers: token },
      body: {
        ...{ From: mailbox(message.from), To: mailbox(String(message.to[0])), Subject: filled('Hello') },
        TextBody: filled('Hello!'),
        Headers: [header('Message-ID', '<m42.4f1d@example.com>'), { Name: 'X-PM-KeepID', Value: 'true' }],
        ...{ Metadata: { echo: ECHO }, MessageStream: filled('outbound') },
        ...body,
      },
    },
    asks: async (url) => {
      expect(await postmarkProvider(url).send(message, once())).to.deep.include(outcome);
    },
  };
}

function wholeEmail(): { message: Email; body: object } {
  const body = {
    ...{
      From: filled('"Shop" <shop@example.com>'),
      To: filled('"Ada" <ada@example.net>, grace@example.net'),
    },
    ...{ Cc: filled('"Mary" <mary@example.net>'), Bcc: filled('audit-blind@example.org') },
    ...{ ReplyTo: filled('"Support" <help@example.com>'), HtmlBody: filled('<p>Hello!</p>') },
    Headers: [
      header('Message-ID', '<m42.4f1d@example.com>'),
      header('In-Reply-To', '<question@mail.example.net>'),
      header('References', '<first@mail.example.net> <question@mail.example.net>'),
      header('X-Ticket', '4711'),
      header('List-Unsubscribe', '<https://example.com/unsubscribe?id=42>'),
      { Name: 'X-PM-KeepID', Value: 'true' },
    ],
    Attachments: [
      {
        ...{ Name: filled('logo.png'), Content: base64('AAAA'), ContentType: filled('image/png') },
        ContentID: regex(/^cid:\S+$/, `cid:${CONTENT_ID}`),
      },
      { Name: filled('a.pdf'), Content: base64('AAAA'), ContentType: filled('application/pdf') },
    ],
  };
  return { message: referenceEmail(), body };
}

/** A request that reads from Postmark. */
function reading(about: Pick<Interaction, 'is' | 'request' | 'response' | 'asks'>): Interaction {
  return { ...about, request: { ...about.request, headers: token } };
}

/** The requests of the service to Postmark. */
export function requests(): Interaction[] {
  const message = plainEmail('ada@example.net');
  const refusal = (code: string, more: object = {}) => ({ outcome: 'rejected' as const, code, ...more });
  const search = (echo: typeof ECHO) => ({
    ...{ method: 'GET', path: '/messages/outbound' },
    query: { count: '1', offset: '0', metadata_echo: echo },
  });
  return [
    sending({ message, outcome: accepted }, { is: 'a request to send an email', response: created }),
    sending(
      { ...wholeEmail(), outcome: accepted },
      { is: 'a request to send an email with HTML, files and copies', response: created },
    ),
    sending(
      {
        message: plainEmail('reject@example.net'),
        outcome: refusal('300', { class: 'invalid_destination' }),
      },
      {
        is: 'a request to send to an invalid address',
        response: error(422, 300, "Error parsing 'To': Illegal email address 'reject@example.net'."),
      },
    ),
    sending(
      { message: plainEmail('inactive@example.net'), outcome: refusal('406', { class: 'opted_out' }) },
      {
        is: 'a request to send to an inactive address',
        response: error(422, 406, 'You tried to send to recipient(s) that have been marked as inactive.'),
      },
    ),
    sending(
      { message, outcome: { outcome: 'throttled', code: '429', retryAfterMs: 30_000 } },
      {
        is: 'a request to send above the rate limit of the server',
        given: ['the server exceeds its rate limit'],
        response: {
          ...error(429, 429, 'Rate limit exceeded.'),
          headers: { 'Retry-After': regex(/^\d+$/, '30') },
        },
      },
    ),
    sending(
      { message, outcome: { outcome: 'unavailable', code: '405', isOperatorError: true } },
      {
        is: 'a request to send without credit',
        given: ['the account has no credit'],
        response: error(422, 405, 'Not allowed to send: your account has run out of credits.'),
      },
    ),
    sending(
      { message, outcome: { outcome: 'unknown', code: 'http_500' } },
      {
        is: 'a request to send while Postmark has an unexpected error',
        given: ['Postmark has an unexpected error'],
        response: error(500, 0, 'A simulated failure'),
      },
    ),
    reading({
      is: 'a search for an email that was not sent',
      request: search(ECHO),
      response: { status: 200, body: { TotalCount: integer(0), Messages: [] } },
      asks: async (url) => {
        expect(await postmarkProvider(url).lookUp(message, once())).to.deep.equal({ found: false });
      },
    }),
    reading({
      is: 'a request for the server of the token',
      request: { method: 'GET', path: '/server' },
      response: { status: 200, body: { Name: filled('A server'), DeliveryType: 'Live' } },
      asks: async (url) => {
        const [check] = (await postmarkProvider(url).check?.(once())) ?? [];
        expect(check?.result, check?.text).to.equal('ok');
      },
    }),
  ];
}
