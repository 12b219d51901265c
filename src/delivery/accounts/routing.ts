import type { Channel } from '../../channel.ts';
import type { Breaker } from './breaker.ts';

/** Messages that may be claimed for a provider. */
export interface Lane {
  channel: Channel;
  /** The provider that the messages are assigned to; empty for messages that are assigned to none. */
  heldBy: string;
  /** The breaker of the provider that gets the messages. */
  breaker: Breaker;
  /** Only messages that no provider can have received. */
  movable: boolean;
  /** The provider is the first of the channel. */
  isFirst: boolean;
}

/**
 * The lanes of a channel. Each provider gets the messages that are assigned to it. Messages that are assigned to no
 * provider, or wait for an unavailable provider, go to the first provider whose breaker is closed; the unavailable
 * providers before it get single messages as probes.
 *
 * @param breakers of the channel's providers, in the order in which they are tried.
 */
export function lanesOf(channel: Channel, breakers: Breaker[]): Lane[] {
  const lane = (breaker: Breaker, heldBy: string, movable: boolean): Lane => ({
    ...{ channel, heldBy, breaker, movable },
    isFirst: breaker === breakers[0],
  });
  const own = breakers.map((breaker) => lane(breaker, breaker.provider.name, false));
  const away = breakers.filter(({ state }) => state !== 'closed').map(({ provider }) => provider.name);
  const open = takers(breakers).flatMap((breaker) =>
    ['', ...away]
      .filter((heldBy) => heldBy !== breaker.provider.name)
      .map((heldBy) => lane(breaker, heldBy, true)),
  );
  return [...own, ...open];
}

/** The providers up to the first one whose breaker is closed, although that one may be throttled or busy. */
function takers(breakers: Breaker[]): Breaker[] {
  const first = breakers.findIndex(({ state }) => state === 'closed');
  return first === -1 ? breakers : breakers.slice(0, first + 1);
}
