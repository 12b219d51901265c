import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { type Email, referenceEmail } from '../../support/mail.ts';
import { sesEnvironment } from '../../support/ses.ts';
import type { Interaction } from '../agreement.ts';
import { once } from '../provider-api/adapter.ts';
import { filled, mailbox, providerId } from '../shapes.ts';
import { AUTHORIZATION, GOOD, WRONG } from './signatures.ts';

const { boolean, eachLike, regex } = MatchersV3;

const ID = '010001929a8f1c7e-0d3f2a5e-3f51-4c3b-9f43-6a0d1f7f0c55-000000';
const RAW = `From: shop@example.com\r\nTo: ada@example.net\r\nSubject: Hello\r\n\r\n${'Hello! '.repeat(8)}\r\n`;

type Case = Pick<Interaction, 'is' | 'given' | 'response'>;

interface Sending {
  /** Default: an email to one recipient. */
  message?: Email;
  /** The recipients of the request. */
  destination?: object;
  authorization?: string;
  outcome: Partial<SendOutcome>;
}

function emailTo(to: string): Email {
  const message = referenceEmail({ to: [to], cc: null, bcc: null });
  return { ...message, email: { ...message.email, envelope: [to] } };
}

/** An error whose type is in a header. */
const error = (status: number, type: string, message: unknown): Interaction['response'] => ({
  status,
  headers: { 'x-amzn-errortype': regex(new RegExp(`^${type}(:|$)`), type) },
  body: { message: message as string },
});
/** An error whose type is in the body. */
const errorInBody = (status: number, type: string, text: string): Interaction['response'] => ({
  status,
  body: { __type: regex(new RegExp(`${type}$`), type), message: filled(text) },
});

/** A request to send an email, by the adapter of the service. */
function sending({ message, destination, authorization = GOOD, outcome }: Sending, about: Case): Interaction {
  const email = message ?? emailTo('ada@example.net');
  return {
    ...about,
    request: {
      method: 'POST',
      path: '/v2/email/outbound-emails',
      headers: {
        Authorization: regex(AUTHORIZATION, authorization),
        'X-Amz-Date': regex(/^\d{8}T\d{6}Z$/, '20261127T100000Z'),
      },
      body: {
        FromEmailAddress: mailbox(email.from),
        Destination: destination ?? { ToAddresses: [mailbox(String(email.to[0]))] },
        Content: { Raw: { Data: regex(/^[A-Za-z0-9+/]{100,}={0,2}$/, Buffer.from(RAW).toString('base64')) } },
        EmailTags: [{ Name: 'echo', Value: regex(/^[\w-]{24,36}$/, '16-ihwPbl0bTFedDj8LakwuAQ') }],
      },
    },
    asks: async (url) => {
      expect(await adapter(url).send(email, once())).to.deep.include(outcome);
    },
  };
}

/** The requests of the service to SES. */
export function requests(): Interaction[] {
  const copies = {
    ToAddresses: eachLike(mailbox('ada@example.net'), 2),
    CcAddresses: eachLike(mailbox('mary@example.net')),
    BccAddresses: eachLike(mailbox('audit-blind@example.org')),
  };
  const accepted = { outcome: 'accepted' as const, httpStatus: 200, providerMessageId: ID };
  const created: Interaction['response'] = { status: 200, body: { MessageId: providerId(ID) } };
  return [
    sending({ outcome: accepted }, { is: 'a request to send an email', response: created }),
    sending(
      { message: referenceEmail(), destination: copies, outcome: accepted },
      { is: 'a request to send an email with copies', response: created },
    ),
    ...failures(),
    {
      is: 'a request for the account',
      request: {
        ...{ method: 'GET', path: '/v2/email/account' },
        headers: {
          Authorization: regex(AUTHORIZATION, GOOD),
          'X-Amz-Date': regex(/^\d{8}T\d{6}Z$/, '20261127T100000Z'),
        },
      },
      response: { status: 200, body: { SendingEnabled: boolean(true) } },
      asks: async (url) => {
        const [check] = (await adapter(url).check?.(once())) ?? [];
        expect(check?.result, check?.text).to.equal('ok');
      },
    },
  ];
}

function failures(): Interaction[] {
  return [
    sending(
      {
        message: emailTo('reject@example.net'),
        outcome: { outcome: 'rejected', code: 'BadRequestException', class: 'invalid_destination' },
      },
      {
        is: 'a request to send to an illegal address',
        response: error(400, 'BadRequestException', regex(/^Illegal address/, 'Illegal address')),
      },
    ),
    sending(
      {
        authorization: WRONG,
        outcome: { outcome: 'unavailable', code: 'InvalidSignatureException', isOperatorError: true },
      },
      {
        is: 'a request to send with a wrong key',
        response: error(403, 'InvalidSignatureException', filled('The signature does not match')),
      },
    ),
    sending(
      { outcome: { outcome: 'unavailable', class: 'sender_not_allowed', isOperatorError: true } },
      {
        is: 'a request to send by an identity that is not verified',
        given: ['no identity is verified'],
        response: error(
          400,
          'MessageRejected',
          regex(/^.*not verified.*$/, 'Email address is not verified.'),
        ),
      },
    ),
    sending(
      { outcome: { outcome: 'throttled', code: 'TooManyRequestsException' } },
      {
        is: 'a request to send above the rate limit of the account',
        given: ['the account exceeds its rate limit'],
        response: errorInBody(429, 'TooManyRequestsException', 'Maximum sending rate exceeded.'),
      },
    ),
    sending(
      { outcome: { outcome: 'unavailable', code: 'LimitExceededException', isOperatorError: true } },
      {
        is: 'a request to send above the daily quota',
        given: ['the account has no quota left'],
        response: errorInBody(400, 'LimitExceededException', 'Daily message quota exceeded.'),
      },
    ),
    sending(
      { outcome: { outcome: 'unknown', code: 'InternalFailure' } },
      {
        is: 'a request to send while SES has an unexpected error',
        given: ['SES has an unexpected error'],
        response: errorInBody(500, 'InternalFailure', 'An unexpected error.'),
      },
    ),
  ];
}

/** The adapter as the service makes it of its configuration. */
function adapter(url: string): Provider {
  const { accounts } = loadConfig(sesEnvironment(url));
  return createRegistry(accounts, 10_000).email[0] as Provider;
}
