import type { Channel } from '../../src/channel.ts';
import type { Mode } from './checker/evidence.ts';

/** The ways in which a provider fails for some recipients during the whole run. */
export const FAILING: Record<string, object> = {
  no_id: { type: 'no_id' },
  hang: { type: 'timeout' },
  fail: { type: 'status', status: 500 },
  reset: { type: 'reset' },
  no_credit: { type: 'status', status: 402 },
  throttle: { type: 'status', status: 429, retry_after: 1 },
  no_response: { type: 'status', status: 524 },
  malformed: { type: 'malformed' },
};

/** The same at a mail server, which knows the recipients from RCPT TO on. */
const SMTP_FAILING: typeof FAILING = {
  no_id: { type: 'smtp', phase: 'data', reply: '421 4.3.0 Service closing' },
  hang: { type: 'smtp', phase: 'rcpt', silent: true },
  fail: { type: 'smtp', phase: 'end', reply: '451 4.3.0 Error in processing' },
  reset: { type: 'smtp', phase: 'rcpt', cut: true },
  no_credit: { type: 'smtp', phase: 'rcpt', reply: '530 5.7.0 Authentication required' },
  throttle: { type: 'smtp', phase: 'rcpt', reply: '450 4.2.1 Too many emails' },
  no_response: { type: 'smtp', phase: 'end', silent: true },
  malformed: { type: 'smtp', phase: 'end', cut: true, accepted: true },
};

/** The faults of modes whose providers have errors of their own. */
const OF_MODE: Partial<Record<Mode, typeof FAILING>> = {
  smtp: SMTP_FAILING,
  resend: { ...FAILING, no_credit: { type: 'status', status: 429, code: 'monthly_quota_exceeded' } },
};

const KINDS = Object.keys(FAILING);
/** The end of the email addresses of these recipients. */
export const FAILING_DOMAIN = '.failing.example.com';
/** One of this number of conversations of a channel has a failing recipient. */
const INTERVAL = 6;

/**
 * The key of `FAILING` for the recipient of a conversation; null for most conversations.
 *
 * @param ofChannel the number of the conversation among those of its channel.
 */
export function failingOf(ofChannel: number): string | null {
  if (ofChannel % INTERVAL !== INTERVAL - 1) return null;
  return KINDS[Math.floor(ofChannel / INTERVAL) % KINDS.length] ?? null;
}

/** The part of the address that only the recipients with this kind of failure have. */
function addressPartOf(channel: Channel, kind: string): string {
  return channel === 'sms' ? `+180466${KINDS.indexOf(kind)}` : `@${kind.replace('_', '-')}${FAILING_DOMAIN}`;
}

export function addressOf(channel: Channel, kind: string, conversation: number): string {
  const part = addressPartOf(channel, kind);
  return channel === 'sms' ? `${part}${1_000 + conversation}` : `customer-${conversation}${part}`;
}

/** The faults for these recipients only. */
export function failingFaults(channel: Channel, mode: Mode | undefined): object[] {
  const faults = (mode && OF_MODE[mode]) ?? FAILING;
  return Object.entries(faults).map(([kind, fault]) => ({
    ...{ channel, recipient: addressPartOf(channel, kind) },
    ...fault,
  }));
}

/** The addresses of these recipients, as SQL patterns. */
export const FAILING_ADDRESSES = ['+180466%', `%${FAILING_DOMAIN}`];
