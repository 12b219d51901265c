import type { State, States } from '../verify.ts';

/** The states of the simulated provider of a dialect, by its control API. */
export function faultStates(url: string, dialect: string, faults: Record<string, object>): States {
  const call = async (method: string, path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + path, { method, body: JSON.stringify(body), headers });
    if (!response.ok) throw new Error(`The simulator responded with ${response.status} to ${path}`);
  };
  const failing = (fault: object): State => ({
    setUp: async () => {
      await call('PUT', '/_control/faults', [{ channel: 'email', dialect, type: 'status', ...fault }]);
      return {};
    },
    cleanUp: () => call('POST', '/_control/reset', {}),
  });
  return Object.fromEntries(Object.entries(faults).map(([name, fault]) => [name, failing(fault)]));
}

export function resendStates(url: string): States {
  return faultStates(url, 'resend', {
    'the account exceeds its rate limit': { status: 429, retry_after: 30 },
    'the account has no quota left': { status: 429, code: 'daily_quota_exceeded' },
    'Resend has an unexpected error': { status: 500 },
  });
}
