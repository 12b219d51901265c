import type { Provider } from '../../providers/provider.ts';
import { type Call, type Callable, type CallOutcome, isHanging, isRetry, recipientsOf } from './call.ts';
import { ProbeSchedule } from './probe-schedule.ts';
import { Throttling } from './throttling.ts';

export type BreakerState = 'closed' | 'half_open' | 'open';

/** The order in which the messages of an account are claimed. */
export interface ClaimOrder {
  /** `new`: messages without an earlier attempt. `retry`: messages with one. Null: neither. */
  first: 'new' | 'retry' | null;
  /** Whether, of each kind, the messages that became due last are claimed first. */
  newestFirst: boolean;
}

/** The number of calls that may begin now. */
export interface FreeSlots {
  calls: number;
  /** Of these calls, the maximum number for messages with an earlier attempt. */
  retries: number;
}

export interface BreakerOptions {
  provider: Provider;
  /** Max calls at a time. */
  concurrency: number;
  onChange: (state: BreakerState) => void;
  /** Whether the breaker of another account of the channel is closed, so that new messages need not wait for this account. */
  hasAlternative?: () => boolean;
  /** From 0 to 1. */
  random?: () => number;
}

/** The number of failing recipients, without a success in between, after which the breaker opens. */
export const THRESHOLD = 5;
/** One call for a message without an earlier attempt, and one call for a message with an earlier attempt. */
const LEAST_WINDOW = 2;
/** While there is an alternative, every fourth probe is a new message, and the others wait for this provider. */
const PROBES_PER_NEW = 4;
/** Max share of the calls for probes, so that a provider that hangs does not occupy all calls. */
const PROBING = 1 / 2;

/**
 * A circuit breaker that decides how many calls may begin, and for which messages, before messages are claimed. Recipients
 * for which the provider always fails do not delay the messages to other recipients:
 *
 * - A failure counts only if no call succeeded since the failed call began, and once for each recipient.
 * - While the breaker is open and no other provider of the channel is available, messages without an attempt are probes
 *   every second at first, however often the others fail. Messages with an attempt are probes at growing intervals.
 * - After a look-up that the provider answered, the next message with an attempt need not wait.
 * - While another provider is available, probes begin one at a time, at growing intervals, and messages that wait for
 *   this provider are preferred: the other provider sends new messages.
 * - While calls fail, the oldest and the newest messages are claimed in turn.
 * - After it closed, calls begin two at a time and double from round to round. A call that hangs does not count.
 *
 * A pure state machine: it has no timers, and `now` is a parameter.
 */
export class Breaker {
  readonly provider: Provider;
  readonly #concurrency: number;
  readonly #largestWindow: number;
  readonly #onChange: (state: BreakerState) => void;
  readonly #hasAlternative: () => boolean;
  readonly #calls = new Set<Call>();
  #state: BreakerState = 'closed';
  #window: number;
  #sequence = 0;
  #lastSuccess = 0;
  /** The recipients for which calls failed since the last success. */
  #failed = new Set<string>();
  readonly #probes: ProbeSchedule;
  readonly #throttling = new Throttling();
  #newestFirst = false;

  constructor({
    provider,
    concurrency,
    onChange,
    hasAlternative = () => false,
    random = Math.random,
  }: BreakerOptions) {
    this.provider = provider;
    this.#concurrency = concurrency;
    this.#largestWindow = Math.max(LEAST_WINDOW, concurrency);
    this.#window = this.#largestWindow;
    this.#onChange = onChange;
    this.#hasAlternative = hasAlternative;
    this.#probes = new ProbeSchedule(random);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** The number of times the provider throttled the account since it last accepted a message. */
  get throttledInARow(): number {
    return this.#throttling.inARow;
  }

  /**
   * While calls fail, hang or are throttled, claims take the oldest and the newest messages in turn: many bad recipients
   * at one end of the queue do not delay the messages at the other end.
   */
  order(now = Date.now()): ClaimOrder {
    const failing = this.#failed.size > 0 || this.throttledInARow > 0;
    const alternates = failing || [...this.#calls].some((call) => isHanging(call, now));
    return { first: this.#first(), newestFirst: alternates && this.#newestFirst };
  }

  /** Called after each claim that found a message for this provider. */
  claimed(): void {
    this.#newestFirst = !this.#newestFirst;
  }

  #first(): ClaimOrder['first'] {
    if (this.#state === 'closed') return this.throttledInARow > 0 ? 'new' : null;
    return this.#hasAlternative() && (this.#probes.retries + 1) % PROBES_PER_NEW !== 0 ? 'retry' : 'new';
  }

  freeSlots(now = Date.now()): FreeSlots {
    if (this.#state === 'closed') return this.#freeSlotsInWindow(now);
    const probes = [...this.#calls].filter(({ probing }) => probing);
    if (this.#hasAlternative()) {
      const calls = this.#probes.isDue('retry', now) && probes.length === 0 ? 1 : 0;
      return { calls, retries: calls };
    }
    const retries = probes.filter(({ message }) => isRetry(message)).length;
    const mayProbe =
      this.#probes.isDue('first', now) && probes.length - retries < this.#concurrency * PROBING;
    const mayRetry = mayProbe && this.#probes.isDue('retry', now) && retries === 0;
    return { calls: mayProbe ? 1 : 0, retries: mayRetry ? 1 : 0 };
  }

  /** Milliseconds until the next probe; infinite if no probe is planned. */
  retryInMs(now = Date.now()): number {
    if (this.#state === 'closed') return Number.POSITIVE_INFINITY;
    return this.#probes.dueInMs(now);
  }

  begin(message: Callable, failedOver: boolean, now = Date.now()): Call {
    const probing = this.#state !== 'closed';
    const call = { message, failedOver, probing, startedAt: now, sequence: ++this.#sequence };
    this.#calls.add(call);
    if (!probing) return call;
    this.#probes.began(isRetry(message) || this.#hasAlternative() ? 'retry' : 'first', now);
    if (this.#state === 'open') this.#become('half_open');
    return call;
  }

  /** Ends a call, and returns whether the provider throttled the account, and not only this recipient. */
  end(call: Call, outcome: CallOutcome, now = Date.now()): { throttlesAccount: boolean } {
    this.#calls.delete(call);
    const recipients = recipientsOf(call.message);
    const throttlesAccount =
      outcome === 'throttled' && this.#throttling.throttled(recipients, call.sequence, ++this.#sequence);
    if (outcome === 'accepted') this.#throttling.accepted(recipients);
    // An answered look-up does not show that the provider sends messages, but that further look-ups need not wait.
    if (outcome === 'answered') this.#probes.answered();
    else if (outcome === 'unavailable' || outcome === 'unknown') this.#fail(call, now);
    else if (outcome !== null) this.#succeed(outcome, throttlesAccount);
    if (this.#state === 'half_open' && ![...this.#calls].some(({ probing }) => probing)) this.#become('open');
    return { throttlesAccount };
  }

  #freeSlotsInWindow(now: number): FreeSlots {
    const young = [...this.#calls].filter((call) => !isHanging(call, now));
    const retries = young.filter(({ message }) => isRetry(message)).length;
    const calls = Math.max(0, this.#window - young.length);
    return { calls, retries: Math.max(0, Math.min(calls, Math.floor(this.#window / 2) - retries)) };
  }

  #fail({ message, failedOver, sequence }: Call, now: number): void {
    if (failedOver || sequence < this.#lastSuccess || this.#state !== 'closed') return;
    this.#failed.add(recipientsOf(message));
    if (this.#failed.size < THRESHOLD) return;
    this.#probes.restart(now);
    this.#become('open');
  }

  /** A rejection is a success too: the provider is available. */
  #succeed(outcome: 'accepted' | 'rejected' | 'throttled', throttlesAccount: boolean): void {
    this.#lastSuccess = ++this.#sequence;
    this.#failed.clear();
    if (this.#state !== 'closed') {
      this.#window = 1;
      this.#become('closed');
    }
    if (outcome === 'accepted') this.#window = Math.min(this.#largestWindow, this.#window + 1);
    if (throttlesAccount) this.#window = 1;
    this.#window = Math.max(LEAST_WINDOW, this.#window);
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#onChange(state);
  }
}
