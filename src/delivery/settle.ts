import type pg from 'pg';
import type { StopScope } from '../config/config.ts';
import { coalesce } from '../db/batch/coalesce.ts';
import { retrySingly } from '../db/batch/retry-singly.ts';
import { storedFunction } from '../db/functions.ts';
import { isMissingRow } from '../db/missing-row.ts';
import { execute } from '../db/transaction.ts';
import type { Events } from '../observability/events.ts';
import { classOf } from '../openapi/error-class.ts';
import { settleWithin } from '../outbox/settle.ts';
import type { Provider, SendOutcome } from '../providers/provider.ts';
import type { Claimed } from './claim.ts';
import type { Transition } from './states/transition.ts';

/** A finished attempt and the next state of its delivery. */
export interface Settlement {
  message: Claimed;
  provider: Provider;
  startedAt: Date;
  durationMs: number;
  outcome: SendOutcome;
  transition: Transition;
  /** The accounts that can send the message by the current configuration; null if every account of the channel can. */
  accounts: string[] | null;
  /** The pause of the account for all workers, in milliseconds; 0 for no pause. */
  pauseMs: number;
}

export interface SettlerOptions {
  pool: pg.Pool;
  events: Events;
  normaliseAddress: NormaliseAddress;
  /** The scope of the entry that a refused message of a recipient who has opted out adds to the ledger. */
  stopScope: StopScope;
}

/** The normalised form of an address, as messages have it; null if the text is not an address. */
export type NormaliseAddress = (address: string) => string | null;

const LIMITS = { maxBatch: 256, maxQueue: Number.POSITIVE_INFINITY, parallel: 1 };

const SETTLE = { name: 'settle-deliveries', text: `select ${storedFunction('settle_deliveries')}($1)` };

const FIND = {
  name: 'find-deliveries',
  text: 'select message_id from deliveries where message_id = any($1::bigint[])',
};

/** Settles attempts in batches. */
export function createSettler(options: SettlerOptions) {
  const { events } = options;
  const settling = coalesce(
    retrySingly((settlements: Settlement[]) => settleBatch(options, settlements)),
    LIMITS,
  );
  return async function settle(settlement: Settlement): Promise<void> {
    const leaseEndsAt = settlement.startedAt.getTime() + settlement.message.lease_ms;
    const onError = (error: unknown) => events.failed('settle', error);
    if (await settleWithin(() => settling.add(settlement), leaseEndsAt, onError)) report(settlement, events);
  };
}

/** Settles a batch in one transaction. Skips messages that were deleted from the database during their attempt. */
async function settleBatch(
  { pool, normaliseAddress, stopScope }: SettlerOptions,
  settlements: Settlement[],
): Promise<undefined[]> {
  const rowOf = (settlement: Settlement) => ({
    ...toRow(settlement, normaliseAddress),
    ...(hasOptOut(settlement) && { stop_scope: stopScope }),
  });
  const settle = (batch: Settlement[]) => execute(pool, SETTLE, [JSON.stringify(batch.map(rowOf))]);
  await settle(settlements).catch(async (error) => {
    if (!isMissingRow(error)) throw error;
    await settle(await withDelivery(pool, settlements));
  });
  return settlements.map(() => undefined);
}

function hasOptOut({ outcome }: Settlement): boolean {
  return outcome.outcome === 'accepted'
    ? (outcome.refused ?? []).some((refusal) => refusal.class === 'opted_out')
    : outcome.outcome === 'rejected' && outcome.class === 'opted_out';
}

async function withDelivery(pool: pg.Pool, settlements: Settlement[]): Promise<Settlement[]> {
  const ids = settlements.map(({ message }) => message.id);
  const { rows } = await execute<{ message_id: number }>(pool, FIND, [ids]);
  const found = new Set(rows.map(({ message_id }) => message_id));
  return settlements.filter(({ message }) => found.has(message.id));
}

function report(
  { message, provider: { channel }, transition: { status, error } }: Settlement,
  events: Events,
): void {
  // The other recipients of a partly sent message have been reached: its status is the summary.
  if (status === 'failed' && message.partly_sent) return;
  if (status === 'sent') events.sent(channel, Date.now() - (message.send_at ?? message.created_at).getTime());
  else if (status !== 'queued' && error)
    events.gaveUp({ messageId: message.id, channel, status, errorClass: classOf(error), code: error.code });
}

function toRow(
  { message, provider, startedAt, durationMs, outcome, transition, accounts, pauseMs }: Settlement,
  normaliseAddress: NormaliseAddress,
) {
  const failure = outcome.outcome === 'accepted' ? (outcome.refused?.[0] ?? null) : outcome;
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
    class: failure?.class ?? null,
    provider_message_id: outcome.outcome === 'accepted' ? outcome.providerMessageId : null,
    ...recipientIds(outcome, normaliseAddress),
    wire_message_id: outcome.outcome === 'accepted' ? outcome.wireMessageId : undefined,
    ...(isPartlySent(message, outcome) && { partly_sent: true }),
    ...refusedRecipients(outcome, normaliseAddress),
    next_attempt_at: transition.nextAttemptAt,
    status: transition.status,
    next_provider: transition.provider,
    accounts: accounts ?? undefined,
    error: transition.error,
    retries: transition.countsAsRetry ? 1 : 0,
    may_have_been_sent: transition.mayHaveBeenSent,
    pause_ms: pauseMs,
  };
}

/** The provider's ids of the recipients, if it gave them ids of their own. The provider may spell an address in another way. */
function recipientIds(outcome: SendOutcome, normaliseAddress: NormaliseAddress): { recipients?: object[] } {
  if (outcome.outcome !== 'accepted' || !outcome.recipients?.length) return {};
  return {
    recipients: outcome.recipients.map(({ address, providerMessageId }) => ({
      address: normaliseAddress(address),
      provider_message_id: providerMessageId,
    })),
  };
}

/** Whether this attempt or an earlier attempt reached some of the recipients only. */
function isPartlySent({ partly_sent }: Pick<Claimed, 'partly_sent'>, outcome: SendOutcome): boolean {
  return partly_sent || (outcome.outcome === 'accepted' && (outcome.refused ?? []).length > 0);
}

/** The recipients whom the provider refused although it accepted the message; `is_open`: the next attempt is made for them. */
function refusedRecipients(outcome: SendOutcome, normaliseAddress: NormaliseAddress): { refused?: object[] } {
  if (outcome.outcome !== 'accepted' || !outcome.refused?.length) return {};
  return {
    refused: outcome.refused.map(
      ({ address, code, detail, class: errorClass, url = null, outcome: refusal }) => ({
        address: normaliseAddress(address) ?? address,
        is_open: refusal === 'unavailable',
        error: { code, detail, class: errorClass, url },
      }),
    ),
  };
}
