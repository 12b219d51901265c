import type { Channel } from '../../channel.ts';
import { eligibleAccounts, isCovered } from '../../providers/eligibility.ts';
import type { Provider } from '../../providers/provider.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import type { Routable } from '../../providers/routable.ts';
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
  /** Of the messages that are assigned to another account, those that one of these accounts can send are not claimed. */
  preferred: string[];
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

  /** The accounts of a channel, in the configured order. */
  accountsOf(channel: Channel): Provider[] {
    return this.#breakers[channel].map(({ provider }) => provider);
  }

  /** The accounts of a channel that can send a message by the current configuration, in the configured order. */
  eligibleFor(channel: Channel, message: Routable): Provider[] {
    return eligibleAccounts(this.accountsOf(channel), message);
  }

  /** The next eligible account after this account whose breaker is closed; null if there is none. */
  fallbackOf(breaker: Breaker, eligible: readonly Provider[]): string | null {
    return fallbackOf(this.#breakers[breaker.provider.channel], breaker, eligible);
  }

  /** Milliseconds until the next probe of an unavailable account; infinite if no probe is planned. */
  retryInMs(): number {
    const breakers = [...this.#breakers.sms, ...this.#breakers.email];
    return Math.min(...breakers.map((breaker) => breaker.retryInMs()));
  }
}

/** @param breakers of the channel's accounts, in the configured order. */
export function fallbackOf(
  breakers: readonly Breaker[],
  breaker: Breaker,
  eligible: readonly Provider[],
): string | null {
  const later = breakers.slice(breakers.indexOf(breaker) + 1);
  const next = later.find(({ state, provider }) => state === 'closed' && eligible.includes(provider));
  return next?.provider.name ?? null;
}

function createBreakers(
  providers: ProviderRegistry[Channel],
  concurrency: number,
  health: HealthMonitor,
): Breaker[] {
  const breakers: Breaker[] = providers.map((provider) => {
    health.add(provider);
    return new Breaker({
      ...{ provider, concurrency },
      onChange: (state) => health.breakerChanged(provider.name, state),
      hasAlternative: () => hasAlternative(breakers, provider),
    });
  });
  return breakers;
}

/** Whether the other available accounts together can send every message of this account. */
export function hasAlternative(breakers: readonly Breaker[], provider: Provider): boolean {
  const others = breakers.filter((other) => other.state === 'closed' && other.provider !== provider);
  return isCovered(
    provider,
    others.map((other) => other.provider),
  );
}

/**
 * The routes of a channel. Each account gets the messages that are assigned to it. Messages that are assigned to no
 * account, or wait for an unavailable account, go to the first account that can send them and whose breaker is closed; the
 * unavailable accounts before it get single messages as probes.
 *
 * @param breakers of the channel's accounts, in the configured order.
 */
export function routesOf(channel: Channel, breakers: readonly Breaker[]): Route[] {
  const route = (breaker: Breaker, assignedTo: string, preferred: string[] | null): Route => ({
    ...{ channel, assignedTo, breaker, reassignable: preferred !== null, preferred: preferred ?? [] },
  });
  const own = breakers.map((breaker) => route(breaker, breaker.provider.name, null));
  const unavailable = namesOf(breakers.filter(({ state }) => state !== 'closed'));
  const shared = breakers.flatMap((breaker, index) => {
    // A closed breaker has precedence even if its account is throttled or busy.
    const preferred = namesOf(breakers.slice(0, index).filter(({ state }) => state === 'closed'));
    // Every account can send a message without an assigned account.
    const unassigned = preferred.length === 0 ? [''] : [];
    return [...unassigned, ...unavailable]
      .filter((assignedTo) => assignedTo !== breaker.provider.name)
      .map((assignedTo) => route(breaker, assignedTo, preferred));
  });
  return [...own, ...shared];
}

function namesOf(breakers: readonly Breaker[]): string[] {
  return breakers.map(({ provider }) => provider.name);
}
