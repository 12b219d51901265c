import { MatchersV3 } from '@pact-foundation/pact';
import type { Interaction } from '../agreement.ts';
import { phone, time } from '../shapes.ts';
import { call, IDS, keyed } from './call.ts';
import { message } from './resources.ts';

const { regex } = MatchersV3;
const { id } = IDS;

/** The manual actions. */
export function decisions(): Interaction[] {
  // A worker may claim the message, and the provider may refuse it again, before the response is read.
  const {
    error: _,
    provider: __,
    next_attempt_at: ___,
    ...fields
  } = message({ to: [phone('+12010000009')] });
  const retried = { ...fields, status: regex(/^(queued|sending|failed)$/, 'queued') };
  return [
    call({
      is: 'a request to cancel a message that is scheduled',
      given: ['a message is scheduled'],
      operation: 'POST /api/messages/{id}/cancel',
      headers: keyed(7),
      response: { status: 200, body: message({ status: 'canceled', send_at: time() }) },
      calls: ({ messages }) => messages.cancel(id),
    }),
    call({
      is: 'a request to send a message again that failed',
      given: ['a message failed'],
      operation: 'POST /api/messages/{id}/retry',
      headers: keyed(8),
      response: { status: 202, body: retried },
      calls: ({ messages }) => messages.retry(id),
    }),
  ];
}
