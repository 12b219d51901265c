import type pg from 'pg';
import { transaction } from '../db/connect.ts';
import type { Message } from '../db/models/message.ts';
import { lockConversations, releaseFirst } from '../db/turns.ts';
import type { SendOutcome } from '../providers/provider.ts';
import type { Claimed } from './claim.ts';
import { adoptReceipts, lockProviderIds } from './receipts.ts';
import { nextAttempt } from './retry-schedule.ts';

/** An attempt that has ended, and what becomes of its message. */
export interface Settlement {
  message: Claimed;
  provider: string;
  startedAt: Date;
  durationMs: number;
  outcome: SendOutcome;
  verdict: Verdict;
}

export interface Verdict {
  status: Message['status'];
  error: Message['error'];
  nextAttemptAt: Date | null;
  /** Whether this attempt counts against the schedule. */
  countsAsRetry: boolean;
  mayHaveBeenSent: boolean;
}

export interface VerdictQuestion {
  message: Pick<Claimed, 'retry_count' | 'may_have_been_sent' | 'created_at' | 'send_at'>;
  outcome: SendOutcome;
  /** Whether an uncertain send can be cleared up: the provider drops repeats, or can be asked. */
  canBeClearedUp: boolean;
  now: Date;
  random: number;
}

/** What becomes of a message after an attempt: a pure function of how that ended. */
export function judge({ message, outcome, canBeClearedUp, now, random }: VerdictQuestion): Verdict {
  const mayHaveBeenSent = message.may_have_been_sent || outcome.outcome === 'unknown';
  const verdict = { error: null, nextAttemptAt: null, countsAsRetry: true, mayHaveBeenSent };
  if (outcome.outcome === 'accepted') return { ...verdict, status: 'sent' };
  const error = { code: outcome.code, detail: outcome.detail };
  if (outcome.outcome === 'rejected') return { ...verdict, status: 'failed', error };
  if (outcome.outcome === 'unknown' && !canBeClearedUp) return { ...verdict, status: 'unknown', error };
  const countsAsRetry = outcome.outcome !== 'throttled';
  const nextAttemptAt = nextAttempt({
    retries: message.retry_count + (countsAsRetry ? 1 : 0),
    retryAfterMs: 'retryAfterMs' in outcome ? outcome.retryAfterMs : null,
    since: message.send_at ?? message.created_at,
    now,
    random,
  });
  if (nextAttemptAt) return { ...verdict, status: 'queued', nextAttemptAt, countsAsRetry };
  return { ...verdict, status: mayHaveBeenSent ? 'unknown' : 'failed', error, countsAsRetry };
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
    set status = input.status, error = input.error, provider = input.provider,
        provider_message_id = input.provider_message_id, next_attempt_at = input.next_attempt_at,
        retry_count = retry_count + input.retries, may_have_been_sent = input.may_have_been_sent,
        updated_at = statement_timestamp()
    from json_to_recordset($1::json) as input(
      id bigint, attempt int, status text, error jsonb, provider text, provider_message_id text,
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
    provider,
    started_at: startedAt,
    duration_ms: durationMs,
    outcome: outcome.outcome,
    http_status: outcome.httpStatus,
    code: failure?.code ?? null,
    detail: failure?.detail ?? null,
    provider_message_id: outcome.outcome === 'accepted' ? outcome.providerMessageId : null,
    next_attempt_at: verdict.nextAttemptAt,
    status: verdict.status,
    error: verdict.error,
    retries: verdict.countsAsRetry ? 1 : 0,
    may_have_been_sent: verdict.mayHaveBeenSent,
  };
}
