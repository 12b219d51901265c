import type { Harness } from '../../support/harness.ts';
import { inboundEvent, sendCallback } from '../../support/vonage.ts';
import { emptyState, serviceStates } from '../service-states.ts';
import type { State, States } from '../verify.ts';

/** The states of the simulated Vonage, by its control API. */
export function vonageStates(url: string): States {
  const control = async (method: string, path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/_control/${path}`, { method, body: JSON.stringify(body), headers });
    if (!response.ok) throw new Error(`The simulator responded with ${response.status} to ${path}`);
  };
  const failing = (fault: object): State => ({
    setUp: async () => {
      await control('PUT', 'faults', [{ channel: 'sms', dialect: 'vonage', type: 'status', ...fault }]);
      return {};
    },
    cleanUp: () => control('POST', 'reset', {}),
  });
  return {
    'the recipient is invalid': failing({ status: 422, code: 1430 }),
    'the recipient opted out': failing({ status: 422, code: 1240 }),
    'the balance is low': failing({ status: 402 }),
    'the account exceeds its rate limit': failing({ status: 429 }),
    'Vonage has an internal error': failing({ status: 500 }),
  };
}

/** The states of a service whose only SMS account is Vonage's. */
export function serviceStatesWithVonage(harness: Harness): States {
  return {
    ...serviceStates(harness),
    'an inbound message was recorded': emptyState(harness, async ({ provider_message_id = '' }) => {
      const event = inboundEvent({ message_uuid: provider_message_id });
      const { status } = await sendCallback(harness.url, { event });
      if (status !== 200) throw new Error(`The service responded with ${status} to a webhook`);
      return {};
    }),
  };
}
