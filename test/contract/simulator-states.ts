import { email, sms } from '../support/bodies.ts';
import type { State, States } from './verify.ts';

/** How the simulated providers come to be as the service's expectations presume, by their control interface. */
export function simulatorStates(url: string, key: string): States {
  const call = (method: string, path: string, body: object, headers = {}) =>
    fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }).then((response) => {
      if (!response.ok) throw new Error(`The simulator answered ${response.status} to ${path}`);
    });
  const state = (setUp: (parameters: Record<string, string>) => Promise<unknown>): State => ({
    setUp: async (parameters) => Object.assign({}, await setUp(parameters)),
    cleanUp: () => call('POST', '/_control/reset', {}),
  });
  const failing = (fault: object) =>
    state(() =>
      call(
        'PUT',
        '/_control/faults',
        ['sms', 'email'].map((channel) => ({ channel, type: 'status', ...fault })) as object,
      ),
    );
  return {
    'a recipient is refused': state(async ({ channel }) => ({
      recipient: channel === 'sms' ? '+12010000009' : 'reject@example.com',
    })),
    'the provider throttles requests': failing({ status: 429, retry_after: 30 }),
    'the provider is unavailable': failing({ status: 503 }),
    'a message was accepted': state(({ channel, idempotency_key }) =>
      call('POST', `/${channel}/messages`, channel === 'sms' ? sms : email, {
        authorization: `Bearer ${key}`,
        'idempotency-key': idempotency_key,
      }),
    ),
    'there is no look-up': state(() => call('PUT', '/_control/settings', { lookup: false })),
  };
}
