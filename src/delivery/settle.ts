import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import { isMissingRow } from '../db/missing-row.ts';
import type { Delivery } from '../db/models/delivery.ts';
import { execute } from '../db/pools.ts';
import type { Provider, SendOutcome } from '../providers/provider.ts';
import { nextAttempt } from './backoff.ts';
import type { Claimed } from './claim.ts';

/** An attempt that has ended, and what becomes of its message. */
export interface Settlement {
  message: Claimed;
  provider: Provider;
  startedAt: Date;
  durationMs: number;
  outcome: SendOutcome;
  transition: Transition;
  /** For how long the provider is left alone by everyone, in milliseconds; 0 where it is not. */
  pauseMs: number;
}

export interface Transition {
  status: Delivery['status'];
  /** The reason for the status; of a queued message, the error of this attempt. */
  error: Delivery['error'];
  /** The provider that is to have it next; null where any may. Where the attempt was the last one, who made it. */
  provider: string | null;
  nextAttemptAt: Date | null;
  /** Whether this attempt counts against the schedule. */
  countsAsRetry: boolean;
  mayHaveBeenSent: boolean;
}

export interface TransitionInput {
  message: Pick<Claimed, 'retry_count' | 'may_have_been_sent' | 'expires_at'>;
  outcome: SendOutcome;
  /** False where the provider throttled this recipient only. */
  throttlesAccount?: boolean;
  provider: Pick<Provider, 'name' | 'supportsIdempotencyKeys' | 'canReconcile'>;
  /** The provider to move on to where this one is away; null where there is none. */
  fallback: string | null;
  /** How long a request may be at work at the provider after it was cut, in milliseconds. */
  timeoutMs: number;
  now: Date;
  random: number;
}

/** What becomes of a message after an attempt: a pure function of how that ended. */
export function nextState({
  message,
  outcome,
  throttlesAccount = true,
  provider,
  fallback,
  timeoutMs,
  now,
  random,
}: TransitionInput): Transition {
  const mayHaveBeenSent = message.may_have_been_sent || outcome.outcome === 'unknown';
  const transition = {
    error: null,
    nextAttemptAt: null,
    provider: provider.name,
    countsAsRetry: true,
    mayHaveBeenSent,
  };
  if (outcome.outcome === 'accepted') return { ...transition, status: 'sent' };
  const error = { code: outcome.code, detail: outcome.detail };
  if (outcome.outcome === 'rejected') return { ...transition, status: 'failed', error };
  const uncertain = outcome.outcome === 'unknown';
  if (uncertain && !provider.canReconcile) return { ...transition, status: 'unknown', error };
  if (uncertain && message.expires_at <= now) {
    const detail = `Its time ran out; the last attempt ended unknown (${outcome.code})`;
    return { ...transition, status: 'unknown', error: { code: 'expired', detail } };
  }
  const queued = { ...transition, status: 'queued' as const, error };
  // Who may have it keeps it; what nobody has is anybody's.
  const holder = mayHaveBeenSent ? provider.name : null;
  if (outcome.outcome === 'unavailable' && !mayHaveBeenSent && fallback !== null)
    return { ...queued, provider: fallback, nextAttemptAt: now, countsAsRetry: false };
  const countsAsRetry = outcome.outcome !== 'throttled' || !throttlesAccount;
  const retryAfterMs = 'retryAfterMs' in outcome ? (outcome.retryAfterMs ?? 0) : 0;
  const nextAttemptAt = nextAttempt({
    retries: message.retry_count + (countsAsRetry ? 1 : 0),
    // A request that was cut may still be taken: asked too early, the provider would not know of it.
    leastMs:
      uncertain && !provider.supportsIdempotencyKeys ? Math.max(timeoutMs, retryAfterMs) : retryAfterMs,
    now,
    random,
  });
  return { ...queued, provider: holder, nextAttemptAt, countsAsRetry };
}

const SETTLE = { name: 'settle-deliveries', text: `select ${storedFunction('settle_deliveries')}($1)` };

const FIND = {
  name: 'find-deliveries',
  text: 'select message_id from deliveries where message_id = any($1::bigint[])',
};

/**
 * Writes how these attempts ended, and lets the messages behind them go, in one transaction. Nothing is written for
 * messages that were deleted from the database during the attempt.
 */
export async function settleTogether(pool: pg.Pool, settlements: Settlement[]): Promise<undefined[]> {
  const settle = (settled: Settlement[]) => execute(pool, SETTLE, [JSON.stringify(settled.map(toRow))]);
  await settle(settlements).catch(async (error) => {
    if (!isMissingRow(error)) throw error;
    await settle(await withDelivery(pool, settlements));
  });
  return settlements.map(() => undefined);
}

async function withDelivery(pool: pg.Pool, settlements: Settlement[]): Promise<Settlement[]> {
  const ids = settlements.map(({ message }) => message.id);
  const { rows } = await execute<{ message_id: number }>(pool, FIND, [ids]);
  const found = new Set(rows.map(({ message_id }) => message_id));
  return settlements.filter(({ message }) => found.has(message.id));
}

function toRow({ message, provider, startedAt, durationMs, outcome, transition, pauseMs }: Settlement) {
  const failure = outcome.outcome === 'accepted' ? null : outcome;
  return {
    id: message.id,
    conversation_id: message.conversation_id,
    number: message.attempt_count,
    provider: provider.name,
    started_at: startedAt,
    duration_ms: durationMs,
    outcome: outcome.outcome,
    http_status: outcome.httpStatus,
    code: failure?.code ?? null,
    detail: failure?.detail ?? null,
    provider_message_id: outcome.outcome === 'accepted' ? outcome.providerMessageId : null,
    next_attempt_at: transition.nextAttemptAt,
    status: transition.status,
    next_provider: transition.provider,
    error: transition.error,
    retries: transition.countsAsRetry ? 1 : 0,
    may_have_been_sent: transition.mayHaveBeenSent,
    pause_ms: pauseMs,
  };
}
