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

const WAYS = Object.keys(FAILING);
/** One conversation of this many on each channel. */
const EVERY = 6;

/** How the provider fails for the recipient of a conversation; null for most conversations. */
export function failingOf(conversation: number): string | null {
  const ofChannel = Math.floor(conversation / 2);
  if (ofChannel % EVERY !== EVERY - 1) return null;
  return WAYS[Math.floor(ofChannel / EVERY) % WAYS.length] ?? null;
}

/** A part of the address that is unique to these recipients. */
function markOf(channel: Channel, way: string): string {
  return channel === 'sms' ? `+180466${WAYS.indexOf(way)}` : `@${way.replace('_', '-')}.failing.example.com`;
}

export function addressOf(channel: Channel, way: string, conversation: number): string {
  const mark = markOf(channel, way);
  return channel === 'sms' ? `${mark}${1_000 + conversation}` : `customer-${conversation}${mark}`;
}

/** The faults for these recipients only. */
export function failingFaults(channel: Channel): object[] {
  return Object.entries(FAILING).map(([way, fault]) => ({
    channel,
    recipient: markOf(channel, way),
    ...fault,
  }));
}

/** The addresses of these recipients, as SQL patterns. */
export const FAILING_ADDRESSES = ['+180466%', '%.failing.example.com'];
