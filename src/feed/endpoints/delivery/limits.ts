import { pauseMs } from '../../../outbox/backoff.ts';
import { type BreakerCall, CircuitBreaker, isHanging } from '../../../outbox/circuit-breaker.ts';
import type { EndpointResult } from '../send.ts';

/** Max tries of an endpoint at the same time in this process. */
export const PER_ENDPOINT = 5;
/** Max share of all tries for endpoints that are slow. */
const SLOW = 1 / 2;
/** An endpoint without a try for this time is forgotten. */
const FORGET_MS = 10 * 60_000;
/** Responses that slow the tries down (Standard Webhooks), as any response with `Retry-After` does. */
const SLOWING = new Set([429, 502, 504]);

export interface LimitsOptions {
  /** Max tries at the same time. */
  concurrency: number;
  /** Called when the tries of an endpoint become single tries, and when it has a success again. */
  onChange: (endpointId: number, isAvailable: boolean) => void;
}

/** The endpoints for which fewer than `PER_ENDPOINT` tries may begin now, and how many. */
export interface FreeTries {
  ids: number[];
  limits: number[];
}

interface Limited {
  circuit: CircuitBreaker;
  /** Whether the last try took long. */
  isSlow: boolean;
  /** The number of times the endpoint slowed the tries down since its last success. */
  slowedInARow: number;
  /** The sequence number of the last try that was slowed down. */
  lastSlowed: number;
  lastTryAt: number;
}

/**
 * The tries that may begin for each endpoint. An endpoint that fails gets single tries at growing intervals, and endpoints
 * that are slow share a part of all tries, so that they do not delay the others.
 */
export class EndpointLimits {
  readonly #options: LimitsOptions;
  /** The endpoints of recent tries, the last one at the end. */
  readonly #endpoints = new Map<number, Limited>();

  constructor(options: LimitsOptions) {
    this.#options = options;
  }

  free(now = Date.now()): FreeTries {
    const free: FreeTries = { ids: [], limits: [] };
    const slow = [...this.#endpoints.values()].filter((each) => isSlow(each, now));
    const running = slow.reduce((sum, { circuit }) => sum + circuit.calls.length, 0);
    let freeForSlow = Math.floor(this.#options.concurrency * SLOW) - running;
    for (const [id, endpoint] of this.#endpoints) {
      if (isForgettable(endpoint, now)) this.#endpoints.delete(id);
      let limit = freeTries(endpoint.circuit, now);
      if (isSlow(endpoint, now)) {
        limit = Math.max(0, Math.min(limit, freeForSlow));
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

  begin(endpointId: number, now = Date.now()): BreakerCall {
    const endpoint = this.#endpoints.get(endpointId) ?? this.#create(endpointId, now);
    // Of the slow endpoints, the endpoint with the oldest try is first.
    this.#endpoints.delete(endpointId);
    this.#endpoints.set(endpointId, endpoint);
    endpoint.lastTryAt = now;
    return endpoint.circuit.begin({}, 'retry', now);
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
    const endpoint = this.#endpoints.get(endpointId) ?? this.#create(endpointId, now);
    const { circuit } = endpoint;
    const pause = result && this.#count(endpoint, call, eventId, result, now);
    circuit.end(call);
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
    endpoint.isSlow = isHanging(call, now);
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

  #create(id: number, now: number): Limited {
    let wasClosed = true;
    const circuit = new CircuitBreaker({
      concurrency: PER_ENDPOINT,
      onChange: (state) => {
        const isClosed = state === 'closed';
        if (isClosed !== wasClosed) this.#options.onChange(id, isClosed);
        wasClosed = isClosed;
      },
    });
    const endpoint = { circuit, isSlow: false, slowedInARow: 0, lastSlowed: 0, lastTryAt: now };
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }
}

function freeTries({ state, window, calls, probes }: CircuitBreaker, now: number): number {
  if (state === 'closed') return Math.max(0, window - calls.length);
  return calls.length === 0 && probes.isDue('retry', now) ? 1 : 0;
}

function isSlow(endpoint: Limited, now: number): boolean {
  return endpoint.isSlow || endpoint.circuit.calls.some((call) => isHanging(call, now));
}

function isForgettable({ circuit, lastTryAt }: Limited, now: number): boolean {
  return circuit.calls.length === 0 && now - lastTryAt > FORGET_MS;
}
