import type pg from 'pg';
import { transaction } from '../db/connect.ts';
import type { Message } from '../db/models/message.ts';
import { lockConversations, releaseFirst } from '../db/turns.ts';
import type { Provider, SendOutcome } from '../providers/provider.ts';
import type { Claimed } from './claim.ts';
import { adoptReceipts, lockProviderIds } from './receipts.ts';
import { nextAttempt } from './retry-schedule.ts';
import { pause } from './slots.ts';

/** An attempt that has ended, and what becomes of its message. */
export interface Settlement {
  message: Claimed;
  provider: Provider;
  startedAt: Date;
  durationMs: number;
  outcome: SendOutcome;
  verdict: Verdict;
  /** For how long the provider is left alone by everyone, in milliseconds; 0 where it is not. */
  pauseMs: number;
}

export interface Verdict {
  status: Message['status'];
  error: Message['error'];
  /** The provider that is to have it next; null where any may. Where the attempt was the last one, who made it. */
  provider: string | null;
  nextAttemptAt: Date | null;
  /** Whether this attempt counts against the schedule. */
  countsAsRetry: boolean;
  mayHaveBeenSent: boolean;
}

export interface VerdictQuestion {
  message: Pick<Claimed, 'retry_count' | 'may_have_been_sent' | 'expires_at'>;
  outcome: SendOutcome;
  provider: Pick<Provider, 'name' | 'honoursKeys' | 'canBeClearedUp'>;
  /** The provider to move on to where this one is away; null where there is none. */
  fallback: string | null;
  /** How long a request may be at work at the provider after it was cut, in milliseconds. */
  timeoutMs: number;
  now: Date;
  random: number;
}

/** What becomes of a message after an attempt: a pure function of how that ended. */
export function judge({
  message,
  outcome,
  provider,
  fallback,
  timeoutMs,
  now,
  random,
}: VerdictQuestion): Verdict {
  const mayHaveBeenSent = message.may_have_been_sent || outcome.outcome === 'unknown';
  const verdict = {
    error: null,
    nextAttemptAt: null,
    provider: provider.name,
    countsAsRetry: true,
    mayHaveBeenSent,
  };
  if (outcome.outcome === 'accepted') return { ...verdict, status: 'sent' };
  const error = { code: outcome.code, detail: outcome.detail };
  if (outcome.outcome === 'rejected') return { ...verdict, status: 'failed', error };
  const uncertain = outcome.outcome === 'unknown';
  if (uncertain && !provider.canBeClearedUp) return { ...verdict, status: 'unknown', error };
  if (uncertain && message.expires_at !== null && message.expires_at <= now) {
    const detail = `Its time ran out; the last attempt ended unknown (${outcome.code})`;
    return { ...verdict, status: 'unknown', error: { code: 'expired', detail } };
  }
  // Who may have it keeps it; what nobody has is anybody's.
  const holder = mayHaveBeenSent ? provider.name : null;
  if (outcome.outcome === 'unavailable' && !mayHaveBeenSent && fallback !== null)
    return { ...verdict, status: 'queued', provider: fallback, nextAttemptAt: now, countsAsRetry: false };
  const countsAsRetry = outcome.outcome !== 'throttled';
  const retryAfterMs = 'retryAfterMs' in outcome ? (outcome.retryAfterMs ?? 0) : 0;
  const nextAttemptAt = nextAttempt({
    retries: message.retry_count + (countsAsRetry ? 1 : 0),
    // A request that was cut may still be taken: asked too early, the provider would not know of it.
    leastMs: uncertain && !provider.honoursKeys ? Math.max(timeoutMs, retryAfterMs) : retryAfterMs,
    now,
    random,
  });
  return { ...verdict, status: 'queued', provider: holder, nextAttemptAt, countsAsRetry };
}

const ADD_ATTEMPTS = {
  name: 'add-attempts',
  text: `
    insert into delivery_attempts (message_id, number, provider, started_at, duration_ms, outcome, http_status, code,
      detail, provider_message_id, next_attempt_at)
    select id, attempt, provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id,
      next_attempt_at
    from json_to_recordset($1::json) as input(
      id bigint, attempt int, provider text, started_at timestamptz, duration_ms float8, outcome text, http_status int,
      code text, detail text, provider_message_id text, next_attempt_at timestamptz)
    on conflict do nothing`,
};

/** Only what this worker still holds: after its lease another one may have claimed the message again. */
const SETTLE_MESSAGES = {
  name: 'settle-messages',
  text: `
    update messages
    set status = input.status, error = input.error, provider = input.message_provider,
        provider_message_id = input.provider_message_id, next_attempt_at = input.next_attempt_at,
        retry_count = retry_count + input.retries, may_have_been_sent = input.may_have_been_sent,
        updated_at = statement_timestamp()
    from json_to_recordset($1::json) as input(
      id bigint, attempt int, status text, error jsonb, message_provider text, provider_message_id text,
      next_attempt_at timestamptz, retries int, may_have_been_sent boolean)
    where messages.id = input.id and messages.status = 'sending' and messages.attempt_count = input.attempt`,
};

/** Writes how these attempts ended, and lets the messages behind them go, in one transaction. */
export async function settleTogether(pool: pg.Pool, settlements: Settlement[]): Promise<undefined[]> {
  const rows = settlements.map(toRow);
  const input = JSON.stringify(rows);
  const accepted = rows.filter((row) => row.provider_message_id !== null);
  const conversations = [...new Set(settlements.map(({ message }) => message.conversation_id))];
  await transaction(pool, async (connection) => {
    await lockProviderIds(
      connection,
      accepted.map((row) => row.provider_message_id ?? ''),
    );
    await lockConversations(connection, conversations);
    await connection.query(ADD_ATTEMPTS, [input]);
    await connection.query(SETTLE_MESSAGES, [input]);
    await pause(
      connection,
      settlements.flatMap(({ provider, pauseMs }) =>
        pauseMs > 0 ? [{ provider: provider.name, ms: pauseMs }] : [],
      ),
    );
    await adoptReceipts(
      connection,
      accepted.map((row) => row.id),
    );
    await releaseFirst(connection, conversations);
  });
  return settlements.map(() => undefined);
}

function toRow({ message, provider, startedAt, durationMs, outcome, verdict }: Settlement) {
  const failure = outcome.outcome === 'accepted' ? null : outcome;
  return {
    id: message.id,
    attempt: message.attempt_count,
    provider: provider.name,
    started_at: startedAt,
    duration_ms: durationMs,
    outcome: outcome.outcome,
    http_status: outcome.httpStatus,
    code: failure?.code ?? null,
    detail: failure?.detail ?? null,
    provider_message_id: outcome.outcome === 'accepted' ? outcome.providerMessageId : null,
    next_attempt_at: verdict.nextAttemptAt,
    status: verdict.status,
    message_provider: verdict.provider,
    error: verdict.error,
    retries: verdict.countsAsRetry ? 1 : 0,
    may_have_been_sent: verdict.mayHaveBeenSent,
  };
}
