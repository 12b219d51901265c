import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import type { Claimed } from '../../../src/delivery/claim.ts';
import { queueAndExpire } from '../../../src/delivery/maintenance/due-messages.ts';
import { reassignFromRemoved } from '../../../src/delivery/maintenance/removed-accounts.ts';
import { createManualActions } from '../../../src/delivery/manual-actions.ts';
import { createReceiptRecorder } from '../../../src/delivery/receipts.ts';
import { createSettler } from '../../../src/delivery/settle.ts';
import type { Event, State } from '../../../src/delivery/states/table.ts';
import { nextState } from '../../../src/delivery/states/transition.ts';
import { ConflictError } from '../../../src/errors.ts';
import { createEvents } from '../../../src/observability/events.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import type { Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { providerAt } from '../../support/provider-server.ts';

const events = createEvents(createLogger('silent'));
export const ACCOUNT = 'text-co';
export const HOUR = 3_600;
const LIMIT = 10_000;

/** A message that is put into a state. Each has a conversation of its own. */
export interface Actor {
  id: number;
  conversation_id: number;
  state: State;
}

interface Scene {
  pool: pg.Pool;
  actors: Actor[];
}
type Cause = (scene: Scene) => Promise<unknown>;

const failure = { httpStatus: null, class: 'provider_error' as const, code: 'x', detail: 'x' };
const OUTCOMES = {
  accepted: { outcome: 'accepted', httpStatus: 202, providerMessageId: 'accepted-id' },
  partly_accepted: {
    ...{ outcome: 'accepted', httpStatus: null, providerMessageId: 'accepted-id' },
    refused: [{ ...failure, address: '+12015559999', outcome: 'unavailable' }],
  },
  rejected: { ...failure, outcome: 'rejected' },
  throttled: { ...failure, outcome: 'throttled', retryAfterMs: null },
  unavailable: { ...failure, outcome: 'unavailable', retryAfterMs: null, isOperatorError: false },
  unknown: { ...failure, outcome: 'unknown' },
} satisfies Record<string, SendOutcome>;

/** The code that causes each event in production. */
export const CAUSES: Record<Event, Cause> = {
  due: ({ pool }) => queueAndExpire(pool, LIMIT, events),
  claim: claimAll,
  worker_lost: claimAll,
  expired: ({ pool }) => queueAndExpire(pool, LIMIT, events),
  expired_uncertain: ({ pool }) => queueAndExpire(pool, LIMIT, events),
  account_removed: ({ pool }) => reassignFromRemoved(pool, ['another'], events),
  account_removed_uncertain: ({ pool }) => reassignFromRemoved(pool, ['another'], events),
  accepted: settle(OUTCOMES.accepted),
  partly_accepted: settle(OUTCOMES.partly_accepted),
  rejected: settle(OUTCOMES.rejected),
  throttled: settle(OUTCOMES.throttled),
  unavailable: settle(OUTCOMES.unavailable),
  unknown_resolvable: settle(OUTCOMES.unknown),
  unknown_unresolvable: settle(OUTCOMES.unknown, false),
  late_accepted: settle(OUTCOMES.accepted),
  late_other: settle(OUTCOMES.rejected),
  echo: record('queued', true),
  receipt_sent: record('sent'),
  receipt_delivered: record('delivered'),
  receipt_undelivered: record('undelivered'),
  receipt_bounced: record('bounced'),
  receipt_failed: record('failed'),
  receipt_other: record('deferred'),
  cancel: act('cancel'),
  cancel_uncertain: act('cancel'),
  retry: act('retry'),
};

/** Claims for the account of the messages, and for messages without an account. */
async function claimAll({ pool }: Scene): Promise<void> {
  const routes = ['', ACCOUNT].map((assigned_to, n) => ({
    ...{ n, channel: 'sms', assigned_to, reassignable: assigned_to === '', provider: ACCOUNT },
    ...{
      free_slots: LIMIT,
      retries: LIMIT,
      first: null,
      newest_first: false,
      lease_ms: 1_000,
      large_lease_ms: 1_000,
    },
  }));
  await pool.query(`select from ${storedFunction('claim_deliveries')}($1, ${LIMIT}, ${LIMIT})`, [
    JSON.stringify(routes),
  ]);
}

/** Settles the first attempt of each message. `canReconcile`: whether the account can resolve an unknown outcome. */
function settle(outcome: SendOutcome, canReconcile = true): Cause {
  return async ({ pool, actors }) => {
    const { name, capabilities } = providerAt('http://127.0.0.1:1');
    const known = canReconcile ? {} : { idempotencyKeys: false, lookUp: null };
    const provider = { name, channel: 'sms', capabilities: { ...capabilities, ...known } } as Provider;
    const settler = createSettler({
      pool,
      events,
      normaliseAddress: (address) => address,
      stopScope: 'channel',
    });
    const expires_at = new Date(Date.now() + HOUR * 1_000);
    await Promise.all(
      actors.map(({ id, conversation_id }) => {
        const message = {
          id,
          conversation_id,
          attempt_count: 1,
          retry_count: 0,
          may_have_been_sent: false,
          partly_sent: false,
          expires_at,
        };
        const transition = nextState({
          ...{
            message,
            outcome,
            provider,
            fallback: null,
            unassigned: null,
            timeoutMs: 1_000,
            now: new Date(),
            random: 0,
          },
        });
        return settler({
          ...{
            message: {
              ...message,
              created_at: new Date(),
              send_at: null,
              lease_ms: 60_000,
            } as unknown as Claimed,
            provider,
          },
          ...{ startedAt: new Date(), durationMs: 1, outcome, transition, accounts: null, pauseMs: 0 },
        });
      }),
    );
  };
}

/** Records a receipt of each message, by the provider's id, or only by the delivery key. */
function record(status: string, byKey = false): Cause {
  return async ({ pool, actors }) => {
    const recorder = createReceiptRecorder(pool, events);
    await Promise.all(
      actors.map(({ id }) => {
        const { message_id, delivery_key, ...receipt } = receiptFor(id, status);
        return recorder.record({
          ...receipt,
          ...(byKey && { provider_message_id: null, dedupe_key: randomUUID() }),
          echo: byKey ? { messageId: message_id, deliveryKey: delivery_key } : null,
          occurred_at: new Date(),
        });
      }),
    );
  };
}

export function receiptFor(id: number, status: string) {
  return {
    ...{
      provider: ACCOUNT,
      provider_message_id: `id-${id}`,
      recipient: null,
      of_one: false,
      dedupe_key: null,
      status,
      error: null,
    },
    ...{ message_id: id, delivery_key: `00000000-0000-4000-8000-${id.toString(16).padStart(12, '0')}` },
    ...{ bounce: null, wire_message_id: null, occurred_at: new Date(), payload: {} },
  };
}

function act(action: 'cancel' | 'retry'): Cause {
  return async ({ pool, actors }) => {
    const actions = createManualActions(pool, () => undefined);
    for (const { id } of actors)
      await actions.apply(action, id, { key: undefined, actor: null }).catch((error) => {
        if (!(error instanceof ConflictError)) throw error;
      });
  };
}
