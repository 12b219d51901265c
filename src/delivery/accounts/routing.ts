import type { Channel } from '../../channel.ts';
import type { Breaker } from './breaker.ts';

/** Messages that may be claimed for a provider. */
export interface Route {
  channel: Channel;
  /** The provider that the messages are assigned to; empty for messages that are assigned to none. */
  assignedTo: string;
  /** The breaker of the provider that gets the messages. */
  breaker: Breaker;
  /** Only messages that no provider can have received. */
  reassignable: boolean;
  /** The provider is the first of the channel. */
  isFirst: boolean;
}

/**
 * The routes of a channel. Each provider gets the messages that are assigned to it. Messages that are assigned to no
 * provider, or wait for an unavailable provider, go to the first provider whose breaker is closed; the unavailable
 * providers before it get single messages as probes.
 *
 * @param breakers of the channel's providers, in the order in which they are tried.
 */
export function routesOf(channel: Channel, breakers: Breaker[]): Route[] {
  const route = (breaker: Breaker, assignedTo: string, reassignable: boolean): Route => ({
    ...{ channel, assignedTo, breaker, reassignable },
    isFirst: breaker === breakers[0],
  });
  const own = breakers.map((breaker) => route(breaker, breaker.provider.name, false));
  const away = breakers.filter(({ state }) => state !== 'closed').map(({ provider }) => provider.name);
  const open = takers(breakers).flatMap((breaker) =>
    ['', ...away]
      .filter((assignedTo) => assignedTo !== breaker.provider.name)
      .map((assignedTo) => route(breaker, assignedTo, true)),
  );
  return [...own, ...open];
}

/** The providers up to the first one whose breaker is closed, although that one may be throttled or busy. */
function takers(breakers: Breaker[]): Breaker[] {
  const first = breakers.findIndex(({ state }) => state === 'closed');
  return first === -1 ? breakers : breakers.slice(0, first + 1);
}
