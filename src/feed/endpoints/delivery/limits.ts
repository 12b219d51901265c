import pLimit, { type LimitFunction } from 'p-limit';
import { pauseMs } from '../../../outbox/backoff.ts';
import { type BreakerCall, CircuitBreaker, isHanging } from '../../../outbox/circuit-breaker.ts';
import type { EndpointResult } from '../send.ts';
import {
  claimable,
  isForgettable,
  isSlow,
  type Limited,
  mayProbe,
  PER_ENDPOINT,
  UNTRIED,
} from './limited-endpoint.ts';

/** Max share of all attempts for endpoints that are slow. */
const SLOW_SHARE = 1 / 4;
/** Max share of all attempts for endpoints that have not responded yet. */
const UNTRIED_SHARE = 1 / 2;
/** Max pause that this process itself observes: afterwards, claims find the pause in the database. */
const OWN_PAUSE_MS = 2_000;
/** Responses that slow the attempts down (Standard Webhooks), as any response with `Retry-After` does. */
const SLOWING = new Set([429, 502, 504]);

export interface LimitsOptions {
  /** Max attempts at the same time. */
  concurrency: number;
  /** Called when the attempts of an endpoint become single attempts, and when it has a success again. */
  onChange: (endpointId: number, isAvailable: boolean) => void;
}

/** The number of deliveries that may be claimed now. */
export interface FreeAttempts {
  /** The endpoints of which another number than `UNTRIED` may be claimed, and the number. */
  ids: number[];
  limits: number[];
  /** Max for all other endpoints together that were failing when they were last tried. */
  failing: number;
}

/**
 * The deliveries that may be claimed, and the attempts that may begin, for each endpoint. An endpoint that fails gets single
 * attempts at growing intervals. Endpoints that are slow share a part of all attempts, and so do those that have not responded yet,
 * so that they delay neither each other nor the rest.
 */
export class EndpointLimits {
  readonly #options: LimitsOptions;
  /** The endpoints of recent claims, the last one at the end. */
  readonly #endpoints = new Map<number, Limited>();
  /** Max attempts at the same time of slow endpoints. */
  readonly #slowAttempts: number;
  readonly #slow: LimitFunction;
  /** Limits the attempts at the same time of endpoints that have not responded yet. */
  readonly #untried: LimitFunction;

  constructor(options: LimitsOptions) {
    this.#options = options;
    this.#slowAttempts = Math.max(1, Math.floor(options.concurrency * SLOW_SHARE));
    this.#slow = pLimit(this.#slowAttempts);
    this.#untried = pLimit(Math.max(1, Math.floor(options.concurrency * UNTRIED_SHARE)));
  }

  free(now = Date.now()): FreeAttempts {
    const slow = [...this.#endpoints.values()].filter((each) => isSlow(each, now));
    const claimed = slow.reduce((sum, endpoint) => sum + endpoint.claimed, 0);
    const share = Math.max(1, Math.floor(this.#slowAttempts / slow.length));
    const free: FreeAttempts = { ids: [], limits: [], failing: Math.max(0, this.#slowAttempts - claimed) };
    for (const [id, endpoint] of this.#endpoints) {
      if (isForgettable(endpoint, now)) this.#endpoints.delete(id);
      let limit = claimable(endpoint, now);
      if (isSlow(endpoint, now)) {
        limit = Math.max(0, Math.min(limit, share - endpoint.claimed, free.failing));
        free.failing -= limit;
      }
      if (limit === UNTRIED) continue;
      free.ids.push(id);
      free.limits.push(limit);
    }
    return free;
  }

  /** Milliseconds until the next attempt of an endpoint that fails; infinite if none is planned. */
  retryInMs(now = Date.now()): number {
    const open = [...this.#endpoints.values()].filter(({ circuit }) => circuit.state !== 'closed');
    return Math.min(...open.map(({ circuit }) => circuit.probes.dueInMs(now)));
  }

  /**
   * Runs the attempt of a claimed delivery, as soon as fewer than `PER_ENDPOINT` attempts of its endpoint are running.
   *
   * @param isFailing whether the endpoint was failing when the delivery was claimed.
   */
  async run<T>(
    endpointId: number,
    isFailing: boolean,
    attempt: () => Promise<T>,
    now = Date.now(),
  ): Promise<T> {
    const endpoint = this.#endpoints.get(endpointId) ?? this.#create(endpointId, isFailing);
    // Of the slow endpoints, the endpoint with the oldest claim is first.
    this.#endpoints.delete(endpointId);
    this.#endpoints.set(endpointId, endpoint);
    endpoint.lastClaimAt = now;
    endpoint.claimed++;
    return endpoint.queue(() => this.#start(endpoint, attempt)).finally(() => endpoint.claimed--);
  }

  #start<T>(endpoint: Limited, attempt: () => Promise<T>): Promise<T> {
    if (isSlow(endpoint, Date.now())) return this.#slow(attempt);
    return endpoint.speed === 'unknown' ? this.#untried(attempt) : attempt();
  }

  /** Begins an attempt in `run`. Returns null if the endpoint must not get an attempt any more since its deliveries were claimed. */
  begin(endpointId: number, now = Date.now()): BreakerCall | null {
    const endpoint = this.#endpoints.get(endpointId) as Limited;
    const mayAttempt =
      now >= endpoint.pausedUntil && (endpoint.circuit.state === 'closed' || mayProbe(endpoint, now));
    return mayAttempt ? endpoint.circuit.begin({}, 'retry', now) : null;
  }

  /**
   * Ends an attempt.
   *
   * @param result null if the attempt says nothing about the endpoint.
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
    // Attempts that ran at the same time count once.
    if (call.sequence > endpoint.lastSlowed) endpoint.slowedInARow++;
    endpoint.lastSlowed = circuit.nextSequence();
    return pauseMs(retryAfterMs, endpoint.slowedInARow);
  }

  #create(id: number, isFailing: boolean): Limited {
    let wasClosed = true;
    const circuit = new CircuitBreaker({
      concurrency: PER_ENDPOINT,
      onChange: (state) => {
        const isClosed = state === 'closed';
        if (isClosed !== wasClosed) this.#options.onChange(id, isClosed);
        wasClosed = isClosed;
      },
    });
    const endpoint: Limited = {
      ...{ circuit, claimed: 0, queue: pLimit(PER_ENDPOINT), pausedUntil: 0 },
      ...{ speed: isFailing ? 'slow' : 'unknown', slowedInARow: 0, lastSlowed: 0, lastClaimAt: 0 },
    };
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }
}
