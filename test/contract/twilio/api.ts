import { MatchersV3 } from '@pact-foundation/pact';
import { filesAt } from '../../support/provider-server.ts';
import type { Interaction } from '../agreement.ts';
import { outgoing } from '../provider-api/adapter.ts';
import { filled, link } from '../shapes.ts';
import { lookUp, messageSid, SID, sending, WRONG_TOKEN } from './adapter.ts';

const { eachLike, regex } = MatchersV3;

const from = '+12016661234';
const sms = outgoing({ type: 'sms', from, to: ['+18045551234'] });
const picture = 'https://example.com/image.jpg';
const accepted = { outcome: 'accepted' as const, httpStatus: 201, providerMessageId: SID };
const created: Interaction['response'] = { status: 201, body: { sid: messageSid } };

/** What the service reads of an error: the code, the text and, where Twilio limits the rate, the time to wait. */
const error = (status: number, code: number, message: string): Interaction['response'] => ({
  status,
  body: { code, message: filled(message), status },
});

/** The requests of the service to Twilio. */
export function requests(): Interaction[] {
  return [
    sending({ message: sms, outcome: accepted }, { is: 'a request to send an SMS', response: created }),
    sending(
      {
        message: { ...sms, type: 'mms', files: filesAt(picture) },
        form: { MediaUrl: link(picture) },
        outcome: accepted,
      },
      { is: 'a request to send an MMS', response: created },
    ),
    sending(
      {
        message: { ...sms, type: 'mms', body: '', files: filesAt(picture) },
        form: { MediaUrl: link(picture) },
        outcome: accepted,
      },
      { is: 'a request to send an MMS without text', response: created },
    ),
    sending(
      { message: { ...sms, type: 'mms' }, form: { SendAsMms: 'true' }, outcome: accepted },
      { is: 'a request to send an MMS without media', response: created },
    ),
    sending(
      { message: sms, messagingService: true, outcome: accepted },
      { is: 'a request to send an SMS with a Messaging Service', response: created },
    ),
    ...failures(),
    lookUp(
      sms,
      { candidates: [SID] },
      {
        is: 'a look-up of a message that was sent',
        given: ['a message was sent', { to: '+18045551234', from, body: 'Hello!' }],
        response: {
          status: 200,
          body: {
            messages: eachLike({ sid: messageSid, body: 'Hello!', direction: 'outbound-api' }),
            next_page_uri: null,
          },
        },
      },
    ),
    lookUp(
      { ...sms, to: ['+18045550000'] },
      { candidates: [] },
      {
        is: 'a look-up of a message that was not sent',
        response: { status: 200, body: { messages: [], next_page_uri: null } },
      },
    ),
  ];
}

/** The recipients are Twilio's public test numbers. Source: https://www.twilio.com/docs/iam/test-credentials */
function failures(): Interaction[] {
  const to = (recipient: string) => ({ ...sms, to: [recipient] });
  // A test number stands for its error, so that no other number matches.
  const exactly = (recipient: string) => ({ To: recipient });
  return [
    sending(
      {
        message: to('+15005550001'),
        form: exactly('+15005550001'),
        outcome: { outcome: 'rejected', code: '21211', class: 'invalid_destination' },
      },
      { is: 'a request to send to an invalid number', response: error(400, 21211, 'Invalid number') },
    ),
    sending(
      {
        message: to('+15005550004'),
        form: exactly('+15005550004'),
        outcome: { outcome: 'rejected', code: '21610', class: 'opted_out' },
      },
      { is: 'a request to send to a recipient who opted out', response: error(400, 21610, 'Opted out') },
    ),
    sending(
      {
        message: sms,
        token: WRONG_TOKEN,
        outcome: { outcome: 'unavailable', code: '20003', isOperatorError: true },
      },
      { is: 'a request to send with wrong credentials', response: error(401, 20003, 'Authenticate') },
    ),
    sending(
      { message: sms, outcome: { outcome: 'throttled', code: '20429', retryAfterMs: 30_000 } },
      {
        is: 'a request to send above the rate limit of the account',
        given: ['the account exceeds its rate limit'],
        response: {
          ...error(429, 20429, 'Too many requests'),
          headers: { 'Retry-After': regex(/^\d+$/, '30') },
        },
      },
    ),
    sending(
      { message: sms, outcome: { outcome: 'unavailable', code: '20503', isOperatorError: false } },
      {
        is: 'a request to send while Twilio is unavailable',
        given: ['Twilio is unavailable'],
        response: error(503, 20503, 'Service unavailable'),
      },
    ),
  ];
}
