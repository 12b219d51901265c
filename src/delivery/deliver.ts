import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../observability/events.ts';
import type { SendOutcome } from '../providers/provider.ts';
import type { Breaker } from './accounts/breaker.ts';
import type { HealthMonitor } from './accounts/health.ts';
import { attempt, CANNOT_TELL, uncertain } from './attempt.ts';
import { pauseMs } from './backoff.ts';
import type { Claim } from './claim.ts';
import { nextState, type Settlement } from './settle.ts';

export interface DeliverOptions {
  events: Events;
  health: HealthMonitor;
  /** The provider to move on to where this one is away. */
  fallbackOf: (breaker: Breaker) => string | null;
  /** What of a lease may have passed before the call begins, in milliseconds. */
  marginMs: number;
  /** How long one request to a provider may take, in milliseconds. */
  timeoutMs: number;
  /** Cuts the calls. */
  signal: AbortSignal;
}

function notCalled(code: string, why: string): SendOutcome {
  const detail = `${why}; the provider was not called`;
  return { outcome: 'unavailable', httpStatus: null, retryAfterMs: null, code, detail };
}

const STALLED = notCalled('worker_stalled', 'The worker stood still');
const STOPPED = notCalled('worker_stopped', 'The worker was stopped');

/** Hands claimed messages over: one attempt each, and what becomes of the message after it. */
export function createDelivery({ events, health, fallbackOf, marginMs, timeoutMs, signal }: DeliverOptions) {
  return async function deliver({ message, breaker, delayMs, failedOver }: Claim): Promise<Settlement> {
    const { provider } = breaker;
    const claimed = performance.now();
    let startedAt = new Date();
    let started = claimed;

    async function call(probing: boolean): Promise<SendOutcome> {
      if (delayMs > 0) await sleep(delayMs);
      startedAt = new Date();
      started = performance.now();
      if (signal.aborted) return STOPPED;
      // This process stood still: by the end of the call the message might be somebody else's.
      if (started - claimed > delayMs + marginMs) return STALLED;
      const called = await attempt(provider, message, {
        once: probing,
        repeated: message.may_have_been_sent,
        signal,
      });
      // A call that a stop cut says nothing about the provider.
      if (!signal.aborted) health.called(provider.name, called);
      return called;
    }

    async function callWithBreaker(): Promise<{ outcome: SendOutcome; throttlesAccount: boolean }> {
      const begun = breaker.begin(message, failedOver);
      const outcome = await call(begun.probing);
      const isEvidence = outcome !== STALLED && !signal.aborted;
      return { outcome, ...breaker.end(begun, isEvidence ? outcome.outcome : null) };
    }

    const { outcome, throttlesAccount } =
      message.may_have_been_sent && !provider.canReconcile
        ? { outcome: uncertain(CANNOT_TELL), throttlesAccount: false }
        : await callWithBreaker();
    const durationMs = Math.round((performance.now() - started) * 100) / 100;
    events.attempted({
      messageId: message.id,
      number: message.attempt_count,
      provider: provider.name,
      outcome: outcome.outcome,
      code: outcome.outcome === 'accepted' ? null : outcome.code,
      seconds: durationMs / 1_000,
    });
    const fallback = fallbackOf(breaker);
    const transition = nextState({
      ...{ message, outcome, throttlesAccount, provider, fallback, timeoutMs },
      now: new Date(),
      random: Math.random(),
    });
    return {
      ...{ message, provider, startedAt, durationMs, outcome, transition },
      pauseMs:
        outcome.outcome === 'throttled' && throttlesAccount
          ? pauseMs(outcome.retryAfterMs, breaker.throttledInARow)
          : 0,
    };
  };
}
