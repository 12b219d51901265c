import { faultStates } from '../fault-states.ts';
import type { States } from '../verify.ts';

/** The states of the simulated Resend. */
export function resendStates(url: string): States {
  return faultStates(url, 'resend', {
    'the account exceeds its rate limit': { status: 429, retry_after: 30 },
    'the account has no quota left': { status: 429, code: 'daily_quota_exceeded' },
    'Resend has an unexpected error': { status: 500 },
  });
}
