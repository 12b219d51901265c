import type { Channel } from '../../src/channel.ts';

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

const KINDS = Object.keys(FAILING);
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
  return channel === 'sms'
    ? `+180466${KINDS.indexOf(kind)}`
    : `@${kind.replace('_', '-')}.failing.example.com`;
}

export function addressOf(channel: Channel, kind: string, conversation: number): string {
  const part = addressPartOf(channel, kind);
  return channel === 'sms' ? `${part}${1_000 + conversation}` : `customer-${conversation}${part}`;
}

/** The faults for these recipients only. */
export function failingFaults(channel: Channel): object[] {
  return Object.entries(FAILING).map(([kind, fault]) => ({
    channel,
    recipient: addressPartOf(channel, kind),
    ...fault,
  }));
}

/** The addresses of these recipients, as SQL patterns. */
export const FAILING_ADDRESSES = ['+180466%', '%.failing.example.com'];
