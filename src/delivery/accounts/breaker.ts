import { type BreakerState, CircuitBreaker, isHanging } from '../../outbox/circuit-breaker.ts';
import type { Provider } from '../../providers/provider.ts';
import { type Call, type Callable, type CallOutcome, isRetry, recipientsOf } from './call.ts';
import { Throttling } from './throttling.ts';

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

/** While there is an alternative, every fourth probe is a new message, and the others wait for this provider. */
const PROBES_PER_NEW = 4;
/** Max share of the calls for probes, so that a provider that hangs does not occupy all calls. */
const PROBING = 1 / 2;

/**
 * Decides how many calls to an account may begin, and for which messages, before messages are claimed. Recipients for which
 * the provider always fails do not delay the messages to other recipients:
 *
 * - A failure counts once for each recipient.
 * - While the breaker is open and no other provider of the channel is available, messages without an attempt are probes
 *   every second at first, however often the others fail. Messages with an attempt are probes at growing intervals.
 * - After a look-up that the provider answered, the next message with an attempt need not wait.
 * - While another provider is available, probes begin one at a time, at growing intervals, and messages that wait for
 *   this provider are preferred: the other provider sends new messages.
 * - While calls fail, the oldest and the newest messages are claimed in turn.
 * - A call that hangs does not count towards the calls that may begin at a time.
 */
export class Breaker {
  readonly provider: Provider;
  readonly #concurrency: number;
  readonly #hasAlternative: () => boolean;
  readonly #circuit: CircuitBreaker<Call>;
  readonly #throttling = new Throttling();
  #newestFirst = false;

  constructor({ provider, hasAlternative = () => false, ...options }: BreakerOptions) {
    this.provider = provider;
    this.#concurrency = options.concurrency;
    this.#hasAlternative = hasAlternative;
    this.#circuit = new CircuitBreaker(options);
  }

  get state(): BreakerState {
    return this.#circuit.state;
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
    const failing = this.#circuit.isFailing || this.throttledInARow > 0;
    const alternates = failing || this.#circuit.calls.some((call) => isHanging(call, now));
    return { first: this.#first(), newestFirst: alternates && this.#newestFirst };
  }

  /** Called after each claim that found a message for this provider. */
  claimed(): void {
    this.#newestFirst = !this.#newestFirst;
  }

  #first(): ClaimOrder['first'] {
    if (this.state === 'closed') return this.throttledInARow > 0 ? 'new' : null;
    return this.#hasAlternative() && (this.#circuit.probes.retries + 1) % PROBES_PER_NEW !== 0
      ? 'retry'
      : 'new';
  }

  freeSlots(now = Date.now()): FreeSlots {
    if (this.state === 'closed') return this.#freeSlotsInWindow(now);
    const probes = this.#circuit.calls.filter(({ probing }) => probing);
    if (this.#hasAlternative()) {
      const calls = this.#circuit.probes.isDue('retry', now) && probes.length === 0 ? 1 : 0;
      return { calls, retries: calls };
    }
    const retries = probes.filter(({ message }) => isRetry(message)).length;
    const mayProbe =
      this.#circuit.probes.isDue('first', now) && probes.length - retries < this.#concurrency * PROBING;
    const mayRetry = mayProbe && this.#circuit.probes.isDue('retry', now) && retries === 0;
    return { calls: mayProbe ? 1 : 0, retries: mayRetry ? 1 : 0 };
  }

  /** Milliseconds until the next probe; infinite if no probe is planned. */
  retryInMs(now = Date.now()): number {
    if (this.state === 'closed') return Number.POSITIVE_INFINITY;
    return this.#circuit.probes.dueInMs(now);
  }

  begin(message: Callable, failedOver: boolean, now = Date.now()): Call {
    const isRetryProbe = this.state !== 'closed' && (isRetry(message) || this.#hasAlternative());
    return this.#circuit.begin({ message, failedOver }, isRetryProbe ? 'retry' : 'first', now);
  }

  /** Ends a call, and returns whether the provider throttled the account, and not only this recipient. */
  end(call: Call, outcome: CallOutcome, now = Date.now()): { throttlesAccount: boolean } {
    const circuit = this.#circuit;
    const recipients = recipientsOf(call.message);
    const throttlesAccount =
      outcome === 'throttled' &&
      this.#throttling.throttled(recipients, call.sequence, circuit.nextSequence());
    if (outcome === 'accepted') this.#throttling.accepted(recipients);
    // An answered look-up does not show that the provider sends messages, but that further look-ups need not wait.
    if (outcome === 'answered') circuit.probes.answered();
    else if (outcome === 'unavailable' || outcome === 'unknown') {
      if (!call.failedOver) circuit.fail(call, recipients, now);
    } else if (outcome === 'accepted') circuit.succeed('grows');
    // The provider is available.
    else if (outcome !== null) circuit.succeed(throttlesAccount ? 'shrinks' : 'stays');
    circuit.end(call);
    return { throttlesAccount };
  }

  #freeSlotsInWindow(now: number): FreeSlots {
    const young = this.#circuit.calls.filter((call) => !isHanging(call, now));
    const retries = young.filter(({ message }) => isRetry(message)).length;
    const calls = Math.max(0, this.#circuit.window - young.length);
    return { calls, retries: Math.max(0, Math.min(calls, Math.floor(this.#circuit.window / 2) - retries)) };
  }
}
