import type { Channel } from '../../channel.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { Breaker } from './breaker.ts';
import type { HealthMonitor } from './health.ts';
import { type Route, routesOf } from './routing.ts';

/** The providers of all channels, as this worker sees them now. */
export interface Breakers {
  /** From where each of them takes its messages. */
  routes(): Route[];
  /** The next provider of the same channel, in order, that is not away; null where there is none. */
  fallbackOf(breaker: Breaker): string | null;
  /** Milliseconds until the next probe of an unavailable provider; infinite while none has to be waited for. */
  retryInMs(): number;
}

export function createBreakers(
  providers: ProviderRegistry,
  concurrency: number,
  health: HealthMonitor,
): Breakers {
  const breakersOf = (channel: Channel) => {
    const breakers: Breaker[] = providers[channel].map((provider) => {
      health.add(provider);
      return new Breaker({
        provider,
        concurrency,
        onChange: (state) => health.breakerChanged(provider.name, state),
        hasAlternative: () =>
          breakers.some((other) => other.provider !== provider && other.state === 'closed'),
      });
    });
    return breakers;
  };
  const byChannel = { sms: breakersOf('sms'), email: breakersOf('email') };
  const all = [...byChannel.sms, ...byChannel.email];
  return {
    routes: () => [...routesOf('sms', byChannel.sms), ...routesOf('email', byChannel.email)],
    fallbackOf: (breaker) => {
      const inOrder = byChannel[breaker.provider.channel];
      const after = inOrder.slice(inOrder.indexOf(breaker) + 1);
      return after.find(({ state }) => state === 'closed')?.provider.name ?? null;
    },
    retryInMs: () => Math.min(...all.map((breaker) => breaker.retryInMs())),
  };
}
