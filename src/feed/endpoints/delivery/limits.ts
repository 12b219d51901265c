import pLimit, { type LimitFunction } from 'p-limit';
import { pauseMs } from '../../../outbox/backoff.ts';
import { type BreakerCall, CircuitBreaker, isHanging } from '../../../outbox/circuit-breaker.ts';
import type { EndpointResult } from '../send.ts';

/** Max tries of an endpoint at the same time in this process, and max claimed deliveries of an endpoint without tries so far. */
export const PER_ENDPOINT = 5;
/** Max claimed deliveries of an endpoint that responds fast, so that its next try need not wait for a claim. */
const CLAIMED_PER_ENDPOINT = 25;
/** Max share of all tries for endpoints that are slow, or without tries so far. */
const SLOW = 1 / 2;
/** Max pause that this process itself observes: afterwards, claims find the pause in the database. */
const OWN_PAUSE_MS = 2_000;
/** An endpoint without a claim for this time is forgotten. */
const FORGET_MS = 10 * 60_000;
/** Responses that slow the tries down (Standard Webhooks), as any response with `Retry-After` does. */
const SLOWING = new Set([429, 502, 504]);

export interface LimitsOptions {
  /** Max tries at the same time. */
  concurrency: number;
  /** Called when the tries of an endpoint become single tries, and when it has a success again. */
  onChange: (endpointId: number, isAvailable: boolean) => void;
}

/** The endpoints of which another number of deliveries than `PER_ENDPOINT` may be claimed now, and the number. */
export interface FreeTries {
  ids: number[];
  limits: number[];
}

interface Limited {
  circuit: CircuitBreaker;
  /** The number of deliveries that are claimed and not ended. */
  claimed: number;
  /** Limits the tries at the same time. */
  queue: LimitFunction;
  /** No delivery is claimed or tried before this time, in milliseconds since 1970. */
  pausedUntil: number;
  /** How long the last try took. */
  speed: 'unknown' | 'fast' | 'slow';
  /** The number of times the endpoint slowed the tries down since its last success. */
  slowedInARow: number;
  /** The sequence number of the last try that was slowed down. */
  lastSlowed: number;
  lastClaimAt: number;
}

/**
 * The deliveries that may be claimed, and the tries that may begin, for each endpoint. An endpoint that fails gets single
 * tries at growing intervals, and endpoints that are slow share a part of all tries, so that they do not delay the others.
 */
export class EndpointLimits {
  readonly #options: LimitsOptions;
  /** The endpoints of recent claims, the last one at the end. */
  readonly #endpoints = new Map<number, Limited>();
  /** Limits the tries at the same time of endpoints that are not known to be fast. */
  readonly #others: LimitFunction;

  constructor(options: LimitsOptions) {
    this.#options = options;
    this.#others = pLimit(Math.max(1, Math.floor(options.concurrency * SLOW)));
  }

  free(now = Date.now()): FreeTries {
    const free: FreeTries = { ids: [], limits: [] };
    const slow = [...this.#endpoints.values()].filter((each) => isSlow(each, now));
    const claimed = slow.reduce((sum, endpoint) => sum + endpoint.claimed, 0);
    let freeForSlow = Math.max(0, Math.floor(this.#options.concurrency * SLOW) - claimed);
    for (const [id, endpoint] of this.#endpoints) {
      if (isForgettable(endpoint, now)) this.#endpoints.delete(id);
      let limit = claimable(endpoint, now);
      if (isSlow(endpoint, now)) {
        limit = Math.min(limit, freeForSlow);
        freeForSlow -= limit;
      }
      if (limit === PER_ENDPOINT) continue;
      free.ids.push(id);
      free.limits.push(limit);
    }
    return free;
  }

  /** Milliseconds until the next try of an endpoint that fails; infinite if none is planned. */
  retryInMs(now = Date.now()): number {
    const open = [...this.#endpoints.values()].filter(({ circuit }) => circuit.state !== 'closed');
    return Math.min(...open.map(({ circuit }) => circuit.probes.dueInMs(now)));
  }

  /** Runs the try of a claimed delivery, as soon as fewer than `PER_ENDPOINT` tries of its endpoint are running. */
  async run<T>(endpointId: number, attempt: () => Promise<T>, now = Date.now()): Promise<T> {
    const endpoint = this.#endpoints.get(endpointId) ?? this.#create(endpointId);
    // Of the slow endpoints, the endpoint with the oldest claim is first.
    this.#endpoints.delete(endpointId);
    this.#endpoints.set(endpointId, endpoint);
    endpoint.lastClaimAt = now;
    endpoint.claimed++;
    const start = () => (isFast(endpoint, Date.now()) ? attempt() : this.#others(attempt));
    return endpoint.queue(start).finally(() => endpoint.claimed--);
  }

  /** Begins a try in `run`. Returns null if the endpoint must not get a try any more since its deliveries were claimed. */
  begin(endpointId: number, now = Date.now()): BreakerCall | null {
    const endpoint = this.#endpoints.get(endpointId) as Limited;
    const mayTry =
      now >= endpoint.pausedUntil && (endpoint.circuit.state === 'closed' || mayProbe(endpoint, now));
    return mayTry ? endpoint.circuit.begin({}, 'retry', now) : null;
  }

  /**
   * Ends a try.
   *
   * @param result null if the try says nothing about the endpoint.
   * @returns the time for which no worker may try the endpoint, in milliseconds; null for no such time.
   */
  end(
    endpointId: number,
    call: BreakerCall,
    eventId: number,
    result: EndpointResult | null,
    now = Date.now(),
  ): number | null {
    const endpoint = this.#endpoints.get(endpointId) as Limited;
    const pause = result && this.#count(endpoint, call, eventId, result, now);
    endpoint.circuit.end(call);
    if (pause !== null) endpoint.pausedUntil = now + Math.min(pause, OWN_PAUSE_MS);
    return pause;
  }

  #count(
    endpoint: Limited,
    call: BreakerCall,
    eventId: number,
    { outcome, statusCode, retryAfterMs }: EndpointResult,
    now: number,
  ): number | null {
    const { circuit } = endpoint;
    endpoint.speed = isHanging(call, now) ? 'slow' : 'fast';
    if (outcome === 'succeeded') {
      endpoint.slowedInARow = 0;
      circuit.succeed('grows');
      return null;
    }
    if (statusCode === 429) circuit.succeed('shrinks');
    else circuit.fail(call, `${eventId}`, now);
    if (retryAfterMs === null && !SLOWING.has(statusCode ?? 0)) return null;
    // Tries that ran at the same time count once.
    if (call.sequence > endpoint.lastSlowed) endpoint.slowedInARow++;
    endpoint.lastSlowed = circuit.nextSequence();
    return pauseMs(retryAfterMs, endpoint.slowedInARow);
  }

  #create(id: number): Limited {
    let wasClosed = true;
    const circuit = new CircuitBreaker({
      concurrency: PER_ENDPOINT,
      onChange: (state) => {
        const isClosed = state === 'closed';
        if (isClosed !== wasClosed) this.#options.onChange(id, isClosed);
        wasClosed = isClosed;
      },
    });
    const endpoint = {
      ...{ circuit, claimed: 0, queue: pLimit(PER_ENDPOINT), pausedUntil: 0 },
      ...{ speed: 'unknown' as const, slowedInARow: 0, lastSlowed: 0, lastClaimAt: 0 },
    };
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }
}

/** The number of further deliveries that may be claimed. */
function claimable(endpoint: Limited, now: number): number {
  const { circuit, claimed, pausedUntil } = endpoint;
  if (now < pausedUntil) return 0;
  if (circuit.state !== 'closed') return claimed === 0 && mayProbe(endpoint, now) ? 1 : 0;
  const isGood = isFast(endpoint, now) && circuit.window === PER_ENDPOINT && !circuit.isFailing;
  return Math.max(0, (isGood ? CLAIMED_PER_ENDPOINT : circuit.window) - claimed);
}

function mayProbe({ circuit }: Limited, now: number): boolean {
  return circuit.calls.length === 0 && circuit.probes.isDue('retry', now);
}

function isFast(endpoint: Limited, now: number): boolean {
  return endpoint.speed === 'fast' && !isSlow(endpoint, now);
}

function isSlow(endpoint: Limited, now: number): boolean {
  return endpoint.speed === 'slow' || endpoint.circuit.calls.some((call) => isHanging(call, now));
}

function isForgettable({ claimed, lastClaimAt }: Limited, now: number): boolean {
  return claimed === 0 && now - lastClaimAt > FORGET_MS;
}
