/** The message of a probe: one without an earlier attempt, or one with an earlier attempt. */
export type ProbeKind = 'first' | 'retry';

const FIRST_PAUSE_MS = 1_000;
/** The number of probes with new messages before their pauses grow: this many failing recipients may precede a working one. */
const STEADY_PROBES = 30;
const LONGEST_PAUSE_MS = { first: 10_000, retry: 60_000 };

/** The times at which an open breaker may probe. The pauses grow, and a retry is never due before a new message. */
export class ProbeSchedule {
  readonly #random: () => number;
  #begun = { first: 0, retry: 0 };
  #dueAt = { first: 0, retry: 0 };

  /** @param random from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The number of probes with retries since the breaker opened. */
  get retries(): number {
    return this.#begun.retry;
  }

  /** Called when the breaker opens. */
  restart(now: number): void {
    const at = now + this.#jittered(FIRST_PAUSE_MS);
    this.#begun = { first: 0, retry: 0 };
    this.#dueAt = { first: at, retry: at };
  }

  isDue(kind: ProbeKind, now: number): boolean {
    return now >= this.#dueAt[kind];
  }

  /** Milliseconds until the next probe; infinite if both kinds are due. */
  dueInMs(now: number): number {
    const times = Object.values(this.#dueAt).filter((at) => at > now);
    return Math.min(...times.map((at) => at - now));
  }

  /** Called when a probe begins; sets the time of the next probe. */
  began(kind: ProbeKind, now: number): void {
    const before = this.#begun[kind]++;
    const doublings = kind === 'first' ? Math.max(0, before - STEADY_PROBES) : before;
    const pause = Math.min(LONGEST_PAUSE_MS[kind], FIRST_PAUSE_MS * 2 ** Math.min(doublings, 10));
    this.#dueAt[kind] = now + this.#jittered(pause);
    this.#dueAt.retry = Math.max(this.#dueAt.first, this.#dueAt.retry);
  }

  /** Called when a retry was answered without a result: the next retry is due as soon as a new message. */
  answered(): void {
    this.#begun.retry = 0;
    this.#dueAt.retry = this.#dueAt.first;
  }

  /** Reduced by up to a half, so that the workers do not probe at the same time. */
  #jittered(ms: number): number {
    return ms * (1 - this.#random() / 2);
  }
}
