import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../observability/events.ts';
import { traceCall } from '../observability/tracing.ts';
import { pauseMs } from '../outbox/backoff.ts';
import { namesOf } from '../providers/eligibility.ts';
import type { Provider, SendOutcome } from '../providers/provider.ts';
import type { HealthMonitor } from './accounts/health.ts';
import {
  CANNOT_RECONCILE,
  FAILED_BEFORE_CALL,
  FAILED_DURING_CALL,
  isSuppressed,
  NO_LINKS,
  NOT_IDENTIFIED,
  notEligible,
  STALLED,
  STOPPED,
  suppressed,
  TIMES_NOT_READ,
  UNCHECKED,
} from './accounts/not-called.ts';
import type { Routing } from './accounts/routing.ts';
import { type AttemptOptions, attempt } from './attempt/attempt.ts';
import { isOfFiles, isTooLargeHere } from './attempt/file-failure.ts';
import { largerAccount } from './attempt/file-limits.ts';
import type { ClaimCheck } from './attempt/ledger.ts';
import { hasRecipients } from './attempt/recipients.ts';
import { type Claim, hasFailedOver } from './claim.ts';
import type { Settlement } from './settle.ts';
import { canResolve, nextState } from './states/transition.ts';

export interface DeliverOptions extends AttemptOptions {
  events: Events;
  health: HealthMonitor;
  routing: Routing;
  /** The part of the lease that may pass before the call begins, in milliseconds. */
  marginMs: number;
  /** The timeout of one request to a provider, in milliseconds. */
  timeoutMs: number;
  /** Aborts the calls. */
  signal: AbortSignal;
  /** The URL of an account's webhooks; null without a public URL. */
  webhookUrlOf: (account: string) => string | null;
}

interface Attempt {
  startedAt: Date;
  durationMs: number;
  outcome: SendOutcome;
  /** The account to fail over to; null if there is none, or the outcome says nothing about the provider. */
  fallback: string | null;
  throttlesAccount: boolean;
}

/**
 * Makes one attempt for a claimed message and computes the next state of the delivery.
 *
 * @param check the suppressed recipients; null if the ledger could not be read.
 */
export async function deliver(
  claim: Claim,
  check: ClaimCheck | null,
  options: DeliverOptions,
): Promise<Settlement> {
  const { message, breaker } = claim;
  const { provider } = breaker;
  const { routing, events, timeoutMs } = options;
  const eligible = routing.eligibleFor(provider.channel, message);
  const { startedAt, durationMs, outcome, fallback, throttlesAccount } = await attemptOnce(
    claim,
    check,
    eligible,
    options,
  );
  events.attempted({
    messageId: message.id,
    number: message.attempt_count,
    provider: provider.name,
    outcome: outcome.outcome,
    code: outcome.outcome === 'accepted' ? null : outcome.code,
    seconds: durationMs / 1_000,
  });
  const accounts = namesOf(eligible, routing.accountsOf(provider.channel));
  const transition = nextState({
    ...{ message, outcome, throttlesAccount, provider, fallback, timeoutMs },
    isSuppressed: check?.isSuppressed ?? false,
    unassigned: accounts?.[0] ?? null,
    now: new Date(),
    random: Math.random(),
  });
  const isPartlySent =
    message.partly_sent || (outcome.outcome === 'accepted' && transition.status === 'queued');
  return {
    ...{ message, provider, startedAt, durationMs, outcome, transition },
    // No other account takes over a partly sent message.
    accounts: isPartlySent ? [provider.name] : eligible.length > 0 ? accounts : null,
    pauseMs:
      outcome.outcome === 'throttled' && throttlesAccount
        ? pauseMs(outcome.retryAfterMs, breaker.throttledInARow)
        : 0,
  };
}

/** A message that may have been sent stays with its account, which alone can reconcile the earlier attempt. */
async function attemptOnce(
  claim: Claim,
  check: ClaimCheck | null,
  eligible: readonly Provider[],
  options: DeliverOptions,
): Promise<Attempt> {
  const { message, breaker } = claim;
  const { provider } = breaker;
  const { routing, health } = options;
  if (check === null) return withoutCall(UNCHECKED, null);
  if (message.may_have_been_sent)
    return canResolve(provider.capabilities, check.isSuppressed)
      ? callThroughBreaker(claim, check, eligible, options)
      : withoutCall(CANNOT_RECONCILE, null);
  if (!hasRecipients(message, check)) return withoutCall(suppressed(check.detail), null);
  if (eligible.includes(provider)) return callThroughBreaker(claim, check, eligible, options);
  const outcome = notEligible(message, provider, eligible, routing.accountsOf(provider.channel));
  // The message waits until the operator changes the configuration.
  if (eligible.length === 0) health.called(provider.name, outcome);
  return withoutCall(outcome, eligible[0]?.name ?? null);
}

function withoutCall(outcome: SendOutcome, fallback: string | null): Attempt {
  return { startedAt: new Date(), durationMs: 0, outcome, fallback, throttlesAccount: false };
}

async function callThroughBreaker(
  claim: Claim,
  check: ClaimCheck,
  eligible: readonly Provider[],
  options: DeliverOptions,
): Promise<Attempt> {
  const { message, breaker, delayMs, claimedAt } = claim;
  const call = breaker.begin(message, hasFailedOver(eligible[0] === breaker.provider, message));
  if (delayMs > 0) await sleep(delayMs);
  const startedAt = new Date();
  const started = performance.now();
  const isLate = started - claimedAt > delayMs + options.marginMs;
  const outcome = await callUnlessLate(claim, check, { once: call.probing, isLate }, options).catch(
    (error): SendOutcome => {
      options.events.failed('call', error);
      return FAILED_BEFORE_CALL;
    },
  );
  const isEvidence = isEvidenceOf(outcome) && !options.signal.aborted;
  const answered = outcome === NOT_IDENTIFIED || isSuppressed(outcome) ? 'answered' : null;
  const { throttlesAccount } = breaker.end(call, isEvidence ? outcome.outcome : answered);
  const durationMs = Math.round((performance.now() - started) * 100) / 100;
  const larger = isTooLargeHere(outcome) ? largerAccount(breaker.provider, eligible) : null;
  const fallback = isEvidence ? options.routing.fallbackOf(breaker, eligible) : larger;
  return { startedAt, durationMs, outcome, fallback, throttlesAccount };
}

async function callUnlessLate(
  { message, breaker: { provider } }: Claim,
  check: ClaimCheck,
  { once, isLate }: { once: boolean; isLate: boolean },
  options: DeliverOptions,
): Promise<SendOutcome> {
  const { health, signal, webhookUrlOf, ledger } = options;
  if (signal.aborted) return STOPPED;
  // The process was suspended, or the check of the ledger took long: the lease may end during the call, and another worker may
  // claim the message.
  if (isLate) return STALLED;
  const context = {
    once,
    mayHaveBeenAccepted: message.may_have_been_sent,
    webhookUrl: webhookUrlOf(provider.name),
    mayContinue: () => ledger.mayContinue(message),
    signal,
  };
  const outcome = await traceCall(
    {
      ...{ messageId: message.id, number: message.attempt_count, provider: provider.name },
      traceparent: message.traceparent,
    },
    () => attempt(provider, message, check, context, options),
  );
  // NO_LINKS is an error of the operator, and says nothing about the provider.
  if ((isEvidenceOf(outcome) && !signal.aborted) || outcome === NO_LINKS)
    health.called(provider.name, outcome);
  return outcome;
}

const NO_EVIDENCE: ReadonlySet<SendOutcome> = new Set([
  ...[STALLED, NO_LINKS, UNCHECKED, TIMES_NOT_READ, FAILED_BEFORE_CALL, FAILED_DURING_CALL],
]);

/** Whether the outcome says something about the provider: not an attempt without a call to send, nor a look-up without a result. */
function isEvidenceOf(outcome: SendOutcome): boolean {
  return (
    !NO_EVIDENCE.has(outcome) && !isOfFiles(outcome) && outcome !== NOT_IDENTIFIED && !isSuppressed(outcome)
  );
}
