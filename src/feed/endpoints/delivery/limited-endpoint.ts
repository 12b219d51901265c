import type { LimitFunction } from 'p-limit';
import { type CircuitBreaker, isHanging } from '../../../outbox/circuit-breaker.ts';

/** Max attempts of an endpoint at the same time in this process. */
export const PER_ENDPOINT = 5;
/** Max claimed deliveries of an endpoint that has not responded yet. */
export const UNTRIED = 1;
/** Max claimed deliveries of an endpoint that responds fast, so that its next attempt need not wait for a claim. */
const CLAIMED_PER_ENDPOINT = 25;
/** An endpoint without a claim for this time is forgotten. */
const FORGET_MS = 10 * 60_000;

/** What this process knows of an endpoint. */
export interface Limited {
  circuit: CircuitBreaker;
  /** The number of deliveries that are claimed and not ended. */
  claimed: number;
  /** Limits the attempts at the same time. */
  queue: LimitFunction;
  /** No delivery is claimed or tried before this time, in milliseconds since 1970. */
  pausedUntil: number;
  /** How long the last attempt took. An endpoint that was failing before its first attempt in this process is taken for slow. */
  speed: 'unknown' | 'fast' | 'slow';
  /** The number of times the endpoint slowed the attempts down since its last success. */
  slowedInARow: number;
  /** The sequence number of the last attempt that was slowed down. */
  lastSlowed: number;
  lastClaimAt: number;
}

/** The number of further deliveries that may be claimed. */
export function claimable(endpoint: Limited, now: number): number {
  const { circuit, claimed, pausedUntil } = endpoint;
  if (now < pausedUntil) return 0;
  if (circuit.state !== 'closed') return claimed === 0 && mayProbe(endpoint, now) ? 1 : 0;
  const isFast = endpoint.speed === 'fast' && !isSlow(endpoint, now);
  const isGood = isFast && circuit.window === PER_ENDPOINT && !circuit.isFailing;
  const limit = isGood ? CLAIMED_PER_ENDPOINT : endpoint.speed === 'unknown' ? UNTRIED : circuit.window;
  return Math.max(0, limit - claimed);
}

export function mayProbe({ circuit }: Limited, now: number): boolean {
  return circuit.calls.length === 0 && circuit.probes.isDue('retry', now);
}

export function isSlow(endpoint: Limited, now: number): boolean {
  return endpoint.speed === 'slow' || endpoint.circuit.calls.some((call) => isHanging(call, now));
}

export function isForgettable({ claimed, lastClaimAt }: Limited, now: number): boolean {
  return claimed === 0 && now - lastClaimAt > FORGET_MS;
}
