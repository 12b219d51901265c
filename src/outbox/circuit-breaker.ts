import { type ProbeKind, ProbeSchedule } from './probe-schedule.ts';

export type BreakerState = 'closed' | 'half_open' | 'open';

/** A call in progress. */
export interface BreakerCall {
  /** Whether the call is a probe: the breaker was not closed when the call began. */
  probing: boolean;
  startedAt: number;
  /** The position in the common order of the begins and ends of calls. */
  sequence: number;
}

export interface CircuitBreakerOptions {
  /** Max calls at a time. */
  concurrency: number;
  onChange?: (state: BreakerState) => void;
  /** From 0 to 1. */
  random?: () => number;
}

/** The number of failing keys, without a success in between, after which the breaker opens. */
export const THRESHOLD = 5;
/** Min calls at a time while the breaker is closed. */
const LEAST_WINDOW = 2;
/** A call that takes longer may hang. */
const HANGING_MS = 1_000;

export function isHanging({ startedAt }: BreakerCall, now: number): boolean {
  return now - startedAt >= HANGING_MS;
}

/**
 * A circuit breaker for the calls to one receiver. A failure counts only if no call succeeded since the failed call began, and
 * once for each key, so that few failing recipients or events never open the breaker. After the breaker closed, calls begin
 * two at a time and double from round to round.
 *
 * A pure state machine: it has no timers, and `now` is a parameter.
 */
export class CircuitBreaker<Call extends BreakerCall = BreakerCall> {
  /** The times at which probes may begin while the breaker is not closed. */
  readonly probes: ProbeSchedule;
  readonly #calls = new Set<Call>();
  readonly #largestWindow: number;
  readonly #onChange: (state: BreakerState) => void;
  #state: BreakerState = 'closed';
  #window: number;
  #sequence = 0;
  #lastSuccess = 0;
  /** The keys for which calls failed since the last success. */
  readonly #failed = new Set<string>();

  constructor({ concurrency, onChange = () => undefined, random = Math.random }: CircuitBreakerOptions) {
    this.#largestWindow = Math.max(LEAST_WINDOW, concurrency);
    this.#window = this.#largestWindow;
    this.#onChange = onChange;
    this.probes = new ProbeSchedule(random);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Max calls at a time while the breaker is closed. */
  get window(): number {
    return this.#window;
  }

  /** Whether a call failed since the last success. */
  get isFailing(): boolean {
    return this.#failed.size > 0;
  }

  /** The calls in progress. */
  get calls(): Call[] {
    return [...this.#calls];
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  /** @param probe the kind of the probe, if the call is one. */
  begin(own: Omit<Call, keyof BreakerCall>, probe: ProbeKind, now: number): Call {
    const probing = this.#state !== 'closed';
    const call = { ...own, probing, startedAt: now, sequence: this.nextSequence() } as Call;
    this.#calls.add(call);
    if (!probing) return call;
    this.probes.began(probe, now);
    if (this.#state === 'open') this.#become('half_open');
    return call;
  }

  /** Ends a call, after `fail` or `succeed` if the call says something about the receiver. */
  end(call: Call): void {
    this.#calls.delete(call);
    if (this.#state === 'half_open' && !this.calls.some(({ probing }) => probing)) this.#become('open');
  }

  fail({ sequence }: Call, key: string, now: number): void {
    if (sequence < this.#lastSuccess || this.#state !== 'closed') return;
    this.#failed.add(key);
    if (this.#failed.size < THRESHOLD) return;
    this.probes.restart(now);
    this.#become('open');
  }

  /** @param window whether more calls may begin at a time, as many as before, or the least number. */
  succeed(window: 'grows' | 'stays' | 'shrinks'): void {
    this.#lastSuccess = this.nextSequence();
    this.#failed.clear();
    if (this.#state !== 'closed') {
      this.#window = 1;
      this.#become('closed');
    }
    if (window === 'grows') this.#window = Math.min(this.#largestWindow, this.#window + 1);
    if (window === 'shrinks') this.#window = 1;
    this.#window = Math.max(LEAST_WINDOW, this.#window);
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#onChange(state);
  }
}
