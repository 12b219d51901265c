import { MatchersV3 } from '@pact-foundation/pact';
import { filesAt } from '../../support/provider-server.ts';
import type { Interaction } from '../agreement.ts';
import { outgoing } from '../provider-api/adapter.ts';
import { filled, link, uuid } from '../shapes.ts';
import { sending, UUID } from './adapter.ts';

const { regex, string } = MatchersV3;

const sms = outgoing({ type: 'sms', from: '+12016661234', to: ['+18045551234'] });
const picture = 'https://example.com/image.jpg';
const mms = { ...sms, type: 'mms' as const, files: filesAt(picture) };
const accepted = { outcome: 'accepted' as const, httpStatus: 202, providerMessageId: UUID };
const created: Interaction['response'] = { status: 202, body: { message_uuid: uuid(UUID) } };

/** What the service reads of an error: the code at the end of `type`, and the text. */
const error = (status: number, code: number, detail: string): Interaction['response'] => ({
  status,
  body: {
    type: regex(`^https://\\S+#${code}$`, `https://developer.vonage.com/api-errors/messages#${code}`),
    detail: filled(detail),
  },
});

/** The requests of the service to Vonage. */
export function requests(): Interaction[] {
  const image = { channel: 'mms', message_type: 'image' };
  return [
    sending({ message: sms, outcome: accepted }, { is: 'a request to send an SMS', response: created }),
    sending(
      {
        message: mms,
        content: { ...image, image: { url: link(picture), caption: string('Hello!') } },
        outcome: accepted,
      },
      { is: 'a request to send an MMS', response: created },
    ),
    sending(
      {
        message: { ...mms, body: '' },
        content: { ...image, image: { url: link(picture) } },
        outcome: accepted,
      },
      { is: 'a request to send an MMS without text', response: created },
    ),
    ...failures(),
  ];
}

function failures(): Interaction[] {
  return [
    sending(
      { message: sms, outcome: { outcome: 'rejected', code: '1430', class: 'invalid_destination' } },
      {
        is: 'a request to send to an invalid number',
        given: ['the recipient is invalid'],
        response: error(422, 1430, 'Invalid recipient'),
      },
    ),
    sending(
      { message: sms, outcome: { outcome: 'rejected', code: '1240', class: 'opted_out' } },
      {
        is: 'a request to send to a recipient who opted out',
        given: ['the recipient opted out'],
        response: error(422, 1240, 'Illegal number'),
      },
    ),
    sending(
      {
        message: sms,
        wrongToken: true,
        outcome: { outcome: 'unavailable', code: 'http_401', isOperatorError: true },
      },
      { is: 'a request to send with wrong credentials', response: { status: 401 } },
    ),
    sending(
      { message: sms, outcome: { outcome: 'unavailable', code: 'http_402', isOperatorError: true } },
      {
        is: 'a request to send without credit',
        given: ['the balance is low'],
        response: { status: 402 },
      },
    ),
    sending(
      { message: sms, outcome: { outcome: 'throttled', code: '1000' } },
      {
        is: 'a request to send above the rate limit of the account',
        given: ['the account exceeds its rate limit'],
        response: error(429, 1000, 'Throttled'),
      },
    ),
    sending(
      { message: sms, outcome: { outcome: 'unknown', code: 'http_500' } },
      {
        is: 'a request to send that ends with an internal error',
        given: ['Vonage has an internal error'],
        response: { status: 500 },
      },
    ),
  ];
}
