import { doubled, jittered } from './backoff.ts';

/** Whether the work of a probe had no earlier attempt, or had one. */
export type ProbeKind = 'first' | 'retry';

const FIRST_PAUSE_MS = 1_000;
/** The number of first probes before their pauses grow: this many failing keys may precede a working key. */
const STEADY_PROBES = 30;
const LONGEST_PAUSE_MS = { first: 10_000, retry: 60_000 };

/** The times at which an open breaker may probe. The pauses grow, and a retry is never due before new work. */
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
    const at = now + jittered(FIRST_PAUSE_MS, this.#random());
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
    const pause = doubled(FIRST_PAUSE_MS, doublings, LONGEST_PAUSE_MS[kind]);
    this.#dueAt[kind] = now + jittered(pause, this.#random());
    this.#dueAt.retry = Math.max(this.#dueAt.first, this.#dueAt.retry);
  }

  /** Called when a retry was answered without a result: the next retry is due as soon as new work. */
  answered(): void {
    this.#begun.retry = 0;
    this.#dueAt.retry = this.#dueAt.first;
  }
}
