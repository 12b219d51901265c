import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import { signForm } from '../../../src/simulator/dialects/twilio/webhooks/signature.ts';
import type { Harness } from '../../support/harness.ts';
import { emptyState, serviceStates } from '../service-states.ts';
import type { State, States } from '../verify.ts';
import { AUTH_TOKEN, PATH } from './adapter.ts';

/** The states of the simulated Twilio, by its control API and its own API. */
export function twilioStates(url: string): States {
  const call = async (method: string, path: string, body: string, headers: Record<string, string>) => {
    const response = await fetch(url + path, { method, body, headers });
    if (!response.ok) throw new Error(`The simulator responded with ${response.status} to ${path}`);
  };
  const json = { 'content-type': 'application/json' };
  const state = (setUp: (parameters: Record<string, string>) => Promise<void>): State => ({
    setUp: async (parameters) => {
      await setUp(parameters);
      return {};
    },
    cleanUp: () => call('POST', '/_control/reset', '{}', json),
  });
  const failing = (fault: object) =>
    state(() =>
      call(
        'PUT',
        '/_control/faults',
        JSON.stringify([{ channel: 'sms', dialect: 'twilio', type: 'status', ...fault }]),
        json,
      ),
    );
  const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
  return {
    'the account exceeds its rate limit': failing({ status: 429, retry_after: 30 }),
    'Twilio is unavailable': failing({ status: 503 }),
    'a message was sent': state(({ to = '', from = '', body = '' }) =>
      call('POST', `/twilio${PATH}`, new URLSearchParams({ To: to, From: from, Body: body }).toString(), {
        ...{ authorization, 'content-type': 'application/x-www-form-urlencoded' },
      }),
    ),
  };
}

/** The states of a service whose only SMS account is Twilio's. */
export function serviceStatesWithTwilio(harness: Harness): States {
  return {
    ...serviceStates(harness),
    'an inbound message was recorded': emptyState(harness, async ({ provider_message_id = '' }) => {
      const path = '/api/webhooks/twilio';
      const form = new URLSearchParams({
        ...{ MessageSid: provider_message_id, AccountSid: ACCOUNT_SID },
        ...{ From: '+18045551234', To: '+12016661234', Body: 'Hello', NumMedia: '0' },
      });
      const headers = { 'x-twilio-signature': signForm(AUTH_TOKEN, harness.url + path, form) };
      const { status } = await fetch(harness.url + path, { method: 'POST', headers, body: form });
      if (status !== 200) throw new Error(`The service responded with ${status} to ${path}`);
      return {};
    }),
  };
}
