import type { Harness } from '../../support/harness.ts';
import { eventBody, inboundPayload, SEED, sendEvent, signedHeaders } from '../../support/telnyx.ts';
import { emptyState, serviceStates } from '../service-states.ts';
import type { State, States } from '../verify.ts';

/** The states of the simulated Telnyx, by its control API. */
export function telnyxStates(url: string): States {
  const call = async (method: string, path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + path, { method, body: JSON.stringify(body), headers });
    if (!response.ok) throw new Error(`The simulator responded with ${response.status} to ${path}`);
  };
  const failing = (fault: object): State => ({
    setUp: async () => {
      await call('PUT', '/_control/faults', [
        { channel: 'sms', dialect: 'telnyx', type: 'status', ...fault },
      ]);
      return {};
    },
    cleanUp: () => call('POST', '/_control/reset', {}),
  });
  return {
    'the account exceeds its rate limit': failing({ status: 429, retry_after: 30 }),
    'Telnyx has an unexpected error': failing({ status: 500 }),
  };
}

/** The states of a service whose only SMS account is Telnyx's. */
export function serviceStatesWithTelnyx(harness: Harness): States {
  return {
    ...serviceStates(harness),
    'an inbound message was recorded': emptyState(harness, async ({ provider_message_id: id = '' }) => {
      const body = eventBody('message.received', inboundPayload({ id }));
      const { status } = await sendEvent(harness.url, body, signedHeaders(body, { seed: SEED }));
      if (status !== 200) throw new Error(`The service responded with ${status} to a webhook`);
      return {};
    }),
  };
}
