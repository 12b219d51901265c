import type { Channel } from '../../channel.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { Breaker } from './breaker.ts';
import type { HealthMonitor } from './health.ts';

/** Messages that may be claimed for an account. */
export interface Route {
  channel: Channel;
  /** The account that the messages are assigned to; empty for messages without an assigned account. */
  assignedTo: string;
  /** The breaker of the account that sends the messages. */
  breaker: Breaker;
  /** Whether the messages are assigned to another account or to none; only messages that no provider can have received are claimed. */
  reassignable: boolean;
  /** Whether the account is the first of the channel. */
  isFirst: boolean;
}

/** The accounts of all channels, each with a breaker that this process alone updates. */
export class Routing {
  readonly #breakers: Record<Channel, Breaker[]>;

  constructor(providers: ProviderRegistry, concurrency: number, health: HealthMonitor) {
    const breakersOf = (channel: Channel) => createBreakers(providers[channel], concurrency, health);
    this.#breakers = { sms: breakersOf('sms'), email: breakersOf('email') };
  }

  routes(): Route[] {
    return [...routesOf('sms', this.#breakers.sms), ...routesOf('email', this.#breakers.email)];
  }

  /** The next account of the same channel whose breaker is closed; null if there is none. */
  fallbackOf(breaker: Breaker): string | null {
    const breakers = this.#breakers[breaker.provider.channel];
    const later = breakers.slice(breakers.indexOf(breaker) + 1);
    return later.find(({ state }) => state === 'closed')?.provider.name ?? null;
  }

  /** Milliseconds until the next probe of an unavailable account; infinite if no probe is planned. */
  retryInMs(): number {
    const breakers = [...this.#breakers.sms, ...this.#breakers.email];
    return Math.min(...breakers.map((breaker) => breaker.retryInMs()));
  }
}

function createBreakers(
  providers: ProviderRegistry[Channel],
  concurrency: number,
  health: HealthMonitor,
): Breaker[] {
  const breakers: Breaker[] = providers.map((provider) => {
    health.add(provider);
    return new Breaker({
      provider,
      concurrency,
      onChange: (state) => health.breakerChanged(provider.name, state),
      hasAlternative: () => breakers.some((other) => other.provider !== provider && other.state === 'closed'),
    });
  });
  return breakers;
}

/**
 * The routes of a channel. Each account gets the messages that are assigned to it. Messages that are assigned to no
 * account, or wait for an unavailable account, go to the first account whose breaker is closed; the unavailable accounts
 * before it get single messages as probes.
 *
 * @param breakers of the channel's accounts, in the configured order.
 */
export function routesOf(channel: Channel, breakers: Breaker[]): Route[] {
  const route = (breaker: Breaker, assignedTo: string, reassignable: boolean): Route => ({
    ...{ channel, assignedTo, breaker, reassignable },
    isFirst: breaker === breakers[0],
  });
  const own = breakers.map((breaker) => route(breaker, breaker.provider.name, false));
  const unavailable = breakers.filter(({ state }) => state !== 'closed').map(({ provider }) => provider.name);
  const shared = upToFirstClosed(breakers).flatMap((breaker) =>
    ['', ...unavailable]
      .filter((assignedTo) => assignedTo !== breaker.provider.name)
      .map((assignedTo) => route(breaker, assignedTo, true)),
  );
  return [...own, ...shared];
}

/** A closed breaker ends the list even if its account is throttled or busy. */
function upToFirstClosed(breakers: Breaker[]): Breaker[] {
  const first = breakers.findIndex(({ state }) => state === 'closed');
  return first === -1 ? breakers : breakers.slice(0, first + 1);
}
