import { MatchersV3 } from '@pact-foundation/pact';
import {
  AuthenticationError,
  ConflictError,
  InvalidRequestError,
  NotFoundError,
} from '../../../sdk/src/index.ts';
import { sms } from '../../support/bodies.ts';
import type { Interaction } from '../agreement.ts';
import { phone } from '../shapes.ts';
import { failing, IDS, keyed } from './call.ts';
import { fault, problem } from './resources.ts';

const { string } = MatchersV3;
const { id, other_id } = IDS;

export function errors(): Interaction[] {
  const text = { from: string(sms.from), to: phone(sms.to), body: string(sms.body) };
  const used = '6f1c9f3e-0d1b-4f5e-9c57-0f4f1d7c2a06';
  return [
    failing(AuthenticationError, 'unauthorized', {
      is: 'a request with a key that is wrong',
      key: 'not-a-key',
      operation: 'GET /api/messages',
      response: problem(401, 'unauthorized'),
      calls: ({ messages }) => messages.list(),
    }),
    failing(NotFoundError, 'not_found', {
      is: 'a request for a message that there is not',
      operation: 'GET /api/messages/9007199254740991',
      response: problem(404, 'not_found'),
      calls: ({ messages }) => messages.get(Number.MAX_SAFE_INTEGER),
    }),
    failing(InvalidRequestError, 'invalid_request', {
      is: 'a request to send from what is no address',
      operation: 'POST /api/messages/send',
      headers: keyed(5),
      body: { ...text, from: '@', to: 'ada@example.com' },
      response: problem(422, 'invalid_request', fault('/body/from')),
      calls: ({ messages }) => messages.send({ from: '@', to: 'ada@example.com', body: sms.body }),
    }),
    failing(InvalidRequestError, 'idempotency_key_reused', {
      is: 'a request to send under the Idempotency-Key of another one',
      given: ['a message was sent', { idempotency_key: used }],
      operation: 'POST /api/messages/send',
      headers: { 'Idempotency-Key': used },
      body: { ...text, from: phone(sms.from), body: string('Another one') },
      response: problem(422, 'idempotency_key_reused'),
      calls: ({ messages }) =>
        messages.send({ from: sms.from, to: sms.to, body: 'Another one' }, { idempotencyKey: used }),
    }),
    failing(ConflictError, 'not_cancelable', {
      is: 'a request to cancel a message that was delivered',
      given: ['a message was delivered'],
      operation: 'POST /api/messages/{id}/cancel',
      headers: keyed(9),
      response: problem(409, 'not_cancelable'),
      calls: ({ messages }) => messages.cancel(id),
    }),
    failing(ConflictError, 'participants_share_conversation', {
      is: 'a link of two participants who write to each other',
      given: ['two participants write to each other'],
      operation: 'PUT /api/participants/{id}/links/{other_id}',
      response: problem(409, 'participants_share_conversation'),
      calls: ({ participants }) => participants.link(id, other_id),
    }),
  ];
}
