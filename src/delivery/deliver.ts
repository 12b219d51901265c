import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../observability/events.ts';
import { canReconcile } from '../providers/capabilities.ts';
import type { CallContext, Provider, SendOutcome } from '../providers/provider.ts';
import type { Breaker } from './accounts/breaker.ts';
import type { HealthMonitor } from './accounts/health.ts';
import { pauseMs } from './backoff.ts';
import type { Claim, Claimed } from './claim.ts';
import type { Settlement } from './settle.ts';
import { nextState } from './states/transition.ts';

export interface DeliverOptions {
  events: Events;
  health: HealthMonitor;
  /** The account to fail over to while another account is unavailable. */
  fallbackOf: (breaker: Breaker) => string | null;
  /** The part of the lease that may pass before the call begins, in milliseconds. */
  marginMs: number;
  /** The timeout of one request to a provider, in milliseconds. */
  timeoutMs: number;
  /** Aborts the calls. */
  signal: AbortSignal;
  /** The URL of an account's webhooks; null without a public URL. */
  webhookUrlOf: (account: string) => string | null;
  /** The only candidate of a look-up that can be the message; null if there is none or several. */
  chooseCandidate: (
    account: string,
    message: Claimed,
    candidates: readonly string[],
  ) => Promise<string | null>;
}

interface Call {
  startedAt: Date;
  durationMs: number;
  outcome: SendOutcome;
  /** False for an aborted call, and if the provider was not called: the outcome says nothing about the provider. */
  isEvidence: boolean;
  throttlesAccount: boolean;
}

const STALLED = notCalled('worker_stalled', 'The worker process was suspended');
const STOPPED = notCalled('worker_stopped', 'The worker was stopped');
/** Outcome without a call: an earlier attempt may have succeeded, and the provider supports neither idempotency keys nor look-up. */
const CANNOT_RECONCILE = unknown(
  'may_have_been_sent',
  'An earlier attempt may have succeeded and the provider cannot confirm it',
);

/** Makes one attempt for a claimed message and computes the next state of the delivery. */
export async function deliver(claim: Claim, options: DeliverOptions): Promise<Settlement> {
  const { message, breaker } = claim;
  const { provider } = breaker;
  const { startedAt, durationMs, outcome, isEvidence, throttlesAccount } =
    message.may_have_been_sent && !canReconcile(provider.capabilities)
      ? {
          ...{ startedAt: new Date(), durationMs: 0, outcome: CANNOT_RECONCILE },
          ...{ isEvidence: false, throttlesAccount: false },
        }
      : await callThroughBreaker(claim, options);
  options.events.attempted({
    messageId: message.id,
    number: message.attempt_count,
    provider: provider.name,
    outcome: outcome.outcome,
    code: outcome.outcome === 'accepted' ? null : outcome.code,
    seconds: durationMs / 1_000,
  });
  const { fallbackOf, timeoutMs } = options;
  const fallback = isEvidence ? fallbackOf(breaker) : null;
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
}

async function callThroughBreaker(claim: Claim, options: DeliverOptions): Promise<Call> {
  const { message, breaker, delayMs, failedOver } = claim;
  const claimed = performance.now();
  const call = breaker.begin(message, failedOver);
  if (delayMs > 0) await sleep(delayMs);
  const startedAt = new Date();
  const started = performance.now();
  const isLate = started - claimed > delayMs + options.marginMs;
  const outcome = await callUnlessLate(claim, call.probing, isLate, options);
  const isEvidence = outcome !== STALLED && !options.signal.aborted;
  const { throttlesAccount } = breaker.end(call, isEvidence ? outcome.outcome : null);
  const durationMs = Math.round((performance.now() - started) * 100) / 100;
  return { startedAt, durationMs, outcome, isEvidence, throttlesAccount };
}

async function callUnlessLate(
  { message, breaker: { provider } }: Claim,
  probing: boolean,
  isLate: boolean,
  { health, signal, webhookUrlOf, chooseCandidate }: DeliverOptions,
): Promise<SendOutcome> {
  if (signal.aborted) return STOPPED;
  // The process was suspended: the lease may end during the call, and another worker may claim the message.
  if (isLate) return STALLED;
  const context = {
    once: probing,
    mayHaveBeenAccepted: message.may_have_been_sent,
    webhookUrl: webhookUrlOf(provider.name),
    signal,
  };
  const outcome = await attempt(provider, message, context, chooseCandidate);
  if (!signal.aborted) health.called(provider.name, outcome);
  return outcome;
}

/**
 * Sends a message. If an earlier attempt may have succeeded and the provider does not support idempotency keys, looks the
 * message up first, so that the message is never sent twice.
 */
async function attempt(
  provider: Provider,
  message: Claimed,
  context: CallContext,
  chooseCandidate: DeliverOptions['chooseCandidate'],
): Promise<SendOutcome> {
  const expired = message.expires_at.getTime() <= Date.now();
  if (!message.may_have_been_sent || (provider.capabilities.idempotencyKeys && !expired))
    return provider.send(message, context);
  const result = await provider.lookUp(message, context);
  if (result === 'inconclusive') return CANNOT_RECONCILE;
  if ('candidates' in result) {
    const chosen = await chooseCandidate(provider.name, message, result.candidates);
    return chosen === null ? CANNOT_RECONCILE : accepted(chosen);
  }
  if (result.found) return { ...accepted(result.providerMessageId), recipients: result.recipients ?? [] };
  const detail = 'The message expired; the provider did not receive it';
  return expired
    ? { outcome: 'rejected', httpStatus: null, class: 'expired', code: 'expired', detail }
    : provider.send(message, context);
}

function accepted(providerMessageId: string) {
  return { outcome: 'accepted', httpStatus: null, providerMessageId } as const;
}

function notCalled(code: string, reason: string): SendOutcome {
  const detail = `${reason}; the provider was not called`;
  return {
    outcome: 'unavailable',
    httpStatus: null,
    retryAfterMs: null,
    isOperatorError: false,
    class: 'provider_error',
    code,
    detail,
  };
}

function unknown(code: string, detail: string): SendOutcome {
  return { outcome: 'unknown', httpStatus: null, class: 'provider_error', code, detail };
}
