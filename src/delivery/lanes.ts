import type { Channel } from '../config.ts';
import type { Breaker } from './breaker.ts';

/** Messages that may be taken up for a provider. */
export interface Lane {
  channel: Channel;
  /** The provider that they are with; empty where they are with none. */
  heldBy: string;
  /** The one that is to get them. */
  breaker: Breaker;
  /** Only those that their provider surely does not have. */
  movable: boolean;
  /** The provider is the first of the channel. */
  isFirst: boolean;
}

/**
 * From where each provider of a channel takes its messages: its own always; those that nobody has, and those that
 * wait for a provider that is away, by the first one that is not. One that is away gets a single message
 * before that when it is time to see whether it is back.
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

/** Whoever may take a message that nobody has; a provider that is asked for less, or busy, keeps its place. */
function takers(breakers: Breaker[]): Breaker[] {
  const first = breakers.findIndex(({ state }) => state === 'closed');
  return first === -1 ? breakers : breakers.slice(0, first + 1);
}
