import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhenResult,
} from 'cockatiel';
import type { Provider, SendOutcome } from '../providers/provider.ts';

export type BreakerState = 'closed' | 'half_open' | 'open';

/** What stands between this worker and a provider: how many calls it may have at a time, from none to all. */
export interface Breaker {
  readonly provider: Provider;
  readonly state: BreakerState;
  /** How often it has asked for less since it last took a message. */
  readonly throttledInARow: number;
  /** How many more calls may be made now: one where it is to be seen whether the provider is back. */
  room(): number;
  /** Milliseconds until one may be made; 0 where none has to be waited for. */
  opensInMs(): number;
  /** Makes a call. `probing` tells that it is the one that finds out whether the provider is back. */
  call(work: (probing: boolean) => Promise<SendOutcome>): Promise<SendOutcome>;
}

export interface BreakerOptions {
  provider: Provider;
  /** Calls at a time at the most. */
  concurrency: number;
  onChange: (state: BreakerState) => void;
  /** From 0 to 1. */
  random?: () => number;
}

/** Failed calls in a row after which a provider counts as away. */
export const THRESHOLD = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

/**
 * A circuit breaker that says beforehand what it would let through, so that no message is taken up for nothing. While
 * a provider is away one call is made now and then; when it is back, or asked for less, calls begin one at a time and
 * double from round to round.
 */
export function createBreaker({ provider, concurrency, onChange, random }: BreakerOptions): Breaker {
  let probeAt = 0;
  let inFlight = 0;
  let window = concurrency;
  let throttledInARow = 0;
  const policy = circuitBreaker(
    handleWhenResult((result) => isFailure(result as SendOutcome)),
    {
      breaker: new ConsecutiveBreaker(THRESHOLD),
      halfOpenAfter: new DelegateBackoff(({ attempt }: { attempt: number }) => {
        const pause = pauseMs(attempt, (random ?? Math.random)());
        probeAt = Date.now() + pause;
        return pause;
      }),
    },
  );
  policy.onStateChange((state) => onChange(STATES[state]));
  policy.onReset(() => {
    window = 1;
  });
  const opensInMs = () => (policy.state === CircuitState.Open ? Math.max(0, probeAt - Date.now()) : 0);

  async function call(work: (probing: boolean) => Promise<SendOutcome>): Promise<SendOutcome> {
    inFlight++;
    try {
      const outcome = await policy.execute(() => work(policy.state !== CircuitState.Closed));
      if (outcome.outcome === 'accepted') {
        window = Math.min(concurrency, window + 1);
        throttledInARow = 0;
      }
      if (outcome.outcome === 'throttled') {
        window = 1;
        throttledInARow++;
      }
      return outcome;
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      return {
        outcome: 'unavailable',
        httpStatus: null,
        code: 'breaker_open',
        detail: NOT_CALLED,
        retryAfterMs: null,
      };
    } finally {
      inFlight--;
    }
  }

  return {
    provider,
    get state() {
      return STATES[policy.state];
    },
    get throttledInARow() {
      return throttledInARow;
    },
    room: () => {
      if (policy.state === CircuitState.Closed) return Math.max(0, window - inFlight);
      return policy.state === CircuitState.Open && opensInMs() === 0 ? 1 : 0;
    },
    opensInMs,
    call,
  };
}

const NOT_CALLED = 'The provider was away a moment ago and was not called';

function isFailure({ outcome }: SendOutcome): boolean {
  return outcome === 'unavailable' || outcome === 'unknown';
}

/** 1 s, 2 s, 4 s … 60 s, less up to a half: the workers do not all ask at once. */
function pauseMs(attempt: number, random: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10)) * (1 - random / 2);
}
