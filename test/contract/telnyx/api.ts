import { MatchersV3 } from '@pact-foundation/pact';
import { filesAt } from '../../support/provider-server.ts';
import type { Interaction } from '../agreement.ts';
import { outgoing } from '../provider-api/adapter.ts';
import { filled, link, uuid } from '../shapes.ts';
import { checking, ID, sending, WRONG_KEY } from './adapter.ts';

const { eachLike, regex } = MatchersV3;

const from = '+12016661234';
const sms = outgoing({ type: 'sms', from, to: ['+18045551234'] });
const picture = 'https://example.com/image.jpg';
const mms = { type: 'mms' as const, files: filesAt(picture) };
const media = { media_urls: eachLike(link(picture)) };
const accepted = { outcome: 'accepted' as const, httpStatus: 200, providerMessageId: ID };
const created: Interaction['response'] = { status: 200, body: { data: { id: uuid(ID) } } };

/** What the service reads of an error: the code and the text. */
const error = (status: number, code: string, detail: string): Interaction['response'] => ({
  status,
  body: { errors: eachLike({ code, title: filled(detail), detail: filled(detail) }) },
});

/** The requests of the service to Telnyx. */
export function requests(): Interaction[] {
  return [
    sending({ message: sms, outcome: accepted }, { is: 'a request to send an SMS', response: created }),
    sending(
      { message: sms, withProfile: true, outcome: accepted },
      { is: 'a request to send an SMS with a messaging profile', response: created },
    ),
    sending(
      { message: { ...sms, ...mms }, body: { type: 'MMS', ...media }, outcome: accepted },
      { is: 'a request to send an MMS', response: created },
    ),
    sending(
      { message: { ...sms, ...mms, body: '' }, body: { type: 'MMS', ...media }, outcome: accepted },
      { is: 'a request to send an MMS without text', response: created },
    ),
    sending(
      { message: { ...sms, ...mms, to: ['+18045551234', '+18045551235'] }, body: media, outcome: accepted },
      {
        is: 'a request to send a group MMS',
        response: { status: 200, body: { data: { id: uuid(ID), group_message_id: uuid(ID) } } },
      },
    ),
    ...failures(),
    checking(false, {
      is: 'a request for the messaging profiles',
      response: { status: 200, body: { data: eachLike({ id: filled('profile') }) } },
    }),
    checking(true, {
      is: 'a request for the messaging profile',
      response: { status: 200, body: { data: { enabled: true } } },
    }),
  ];
}

/** The recipients of errors have numbers that no phone has. */
function failures(): Interaction[] {
  const failing = (
    recipient: string,
    outcome: Parameters<typeof sending>[0]['outcome'],
    about: Parameters<typeof sending>[1],
  ) => sending({ message: { ...sms, to: [recipient] }, body: { to: recipient }, outcome }, about);
  return [
    failing(
      '+18040040310',
      { outcome: 'rejected', code: '40310', class: 'invalid_destination' },
      { is: 'a request to send to an invalid number', response: error(400, '40310', 'Invalid number.') },
    ),
    failing(
      '+18040040300',
      { outcome: 'rejected', code: '40300', class: 'opted_out' },
      { is: 'a request to send to a recipient who opted out', response: error(409, '40300', 'Blocked.') },
    ),
    sending(
      {
        ...{ message: sms, key: WRONG_KEY },
        outcome: { outcome: 'unavailable', code: '10009', isOperatorError: true },
      },
      { is: 'a request to send with a wrong key', response: error(401, '10009', 'Authentication failed.') },
    ),
    sending(
      { message: sms, outcome: { outcome: 'throttled', code: '10011', retryAfterMs: 30_000 } },
      {
        is: 'a request to send above the rate limit of the account',
        given: ['the account exceeds its rate limit'],
        response: {
          ...error(429, '10011', 'Too many requests.'),
          headers: { 'Retry-After': regex(/^\d+$/, '30') },
        },
      },
    ),
    sending(
      { message: sms, outcome: { outcome: 'unknown', code: '10007' } },
      {
        is: 'a request to send while Telnyx has an unexpected error',
        given: ['Telnyx has an unexpected error'],
        response: error(500, '10007', 'Unexpected error.'),
      },
    ),
  ];
}
