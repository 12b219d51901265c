import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import type { Claimed } from '../../../src/delivery/claim.ts';
import { queueAndExpire } from '../../../src/delivery/maintenance/due-messages.ts';
import { reassignFromRemoved } from '../../../src/delivery/maintenance/removed-accounts.ts';
import { createManualActions } from '../../../src/delivery/manual-actions.ts';
import { createReceiptRecorder } from '../../../src/delivery/receipts.ts';
import { createSettler } from '../../../src/delivery/settle.ts';
import type { Event, State } from '../../../src/delivery/states/table.ts';
import { nextState } from '../../../src/delivery/states/transition.ts';
import { MessageStatusError } from '../../../src/errors.ts';
import { createEvents } from '../../../src/observability/events.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import type { Provider, SendOutcome } from '../../../src/providers/provider.ts';
import type { Harness } from '../../support/harness.ts';
import { providerAt } from '../../support/provider-server.ts';

const events = createEvents(createLogger('silent'));
const ACCOUNT = 'text-co';
const LIMIT = 10_000;

/** A message that is put into a state. Each has a conversation of its own. */
export interface Actor {
  id: number;
  conversation_id: number;
  state: State;
}

/** Puts messages into states and causes events, without a worker: each event is caused by the code that causes it in production. */
export class Stage {
  readonly #service: Harness;
  readonly #pool: pg.Pool;
  #messages = 0;

  constructor(service: Harness) {
    this.#service = service;
    this.#pool = new pg.Pool({ connectionString: service.databaseUrl });
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  /** A new message in this state, as it is shortly before the event. */
  async place(
    state: State,
    event: Event,
    channel: 'sms' | 'email' = 'sms',
    addresses: { from?: string; to?: string[] } = {},
  ): Promise<Actor> {
    const n = ++this.#messages;
    const { body } = await this.#service.request('POST', '/api/messages/send', {
      from: channel === 'sms' ? '+12016661234' : 'shop@example.com',
      to: channel === 'sms' ? `+1201555${1_000 + n}` : `p${n}@example.com`,
      body: 'Hello',
      ...addresses,
    });
    const actor = { id: body.id as number, conversation_id: body.conversation_id as number, state };
    await this.#pool.query(PLACE, [actor.id, state, ACCOUNT, ...factsOf(state, event)]);
    return actor;
  }

  /** Causes an event for all these messages. */
  async cause(event: Event, actors: Actor[]): Promise<void> {
    await CAUSES[event]({ pool: this.#pool, actors });
  }

  async statesOf(actors: Actor[]): Promise<State[]> {
    const { rows } = await this.#pool.query<{ message_id: number; status: State }>(
      'select message_id, status from deliveries where message_id = any($1::bigint[])',
      [actors.map(({ id }) => id)],
    );
    return actors.map(({ id }) => rows.find((row) => Number(row.message_id) === id)?.status as State);
  }

  /** Applies receipts to a message in one batch; `recipient` is null for all recipients. */
  async report(id: number, receipts: { status: string; recipient: string | null }[]): Promise<void> {
    await this.#pool.query(`select ${storedFunction('store_receipts')}($1)`, [
      JSON.stringify(receipts.map((receipt, n) => ({ n, ...receiptFor(id, receipt.status), ...receipt }))),
    ]);
  }

  async recipientsOf(id: number): Promise<State[]> {
    const { rows } = await this.#pool.query<{ status: State }>(
      'select status from delivery_recipients where message_id = $1 order by position',
      [id],
    );
    return rows.map(({ status }) => status);
  }
}

const PLACE = `
  update deliveries
  set status = $2, attempt_count = $4, provider = case when $4 > 0 then $3 end,
      provider_message_id = case when $5 then 'id-' || message_id end, may_have_been_sent = $6,
      next_attempt_at = now() + $7 * interval '1 second', expires_at = now() + $8 * interval '1 second',
      delivery_key = ('00000000-0000-4000-8000-' || lpad(to_hex(message_id), 12, '0'))::uuid
  where message_id = $1`;

const HOUR = 3_600;

/**
 * The number of attempts, whether the provider's id is known, whether an earlier attempt is uncertain, and the seconds until the
 * next attempt and the expiry. For an event of the worker, even states that are not due have the time of a due message.
 */
function factsOf(state: State, event: Event): [number, boolean, boolean, number, number] {
  const isUncertain = event.endsWith('_uncertain');
  const attempts = event.startsWith('late_') ? 2 : state === 'scheduled' && event === 'due' ? 0 : 1;
  const hasId = event.startsWith('receipt_');
  const isHeld = state === 'sending';
  const isDue = event === 'due' || (event === 'claim' && !isHeld) || (event === 'worker_lost' && isHeld);
  const dueIn = isDue ? -1 : event.startsWith('account_removed') ? -HOUR : HOUR;
  return [attempts, hasId, isUncertain, dueIn, event.startsWith('expired') ? -2 * 60 : HOUR];
}

interface Scene {
  pool: pg.Pool;
  actors: Actor[];
}
type Cause = (scene: Scene) => Promise<unknown>;

const failure = { httpStatus: null, class: 'provider_error' as const, code: 'x', detail: 'x' };
const OUTCOMES = {
  accepted: { outcome: 'accepted', httpStatus: 202, providerMessageId: 'accepted-id' },
  rejected: { ...failure, outcome: 'rejected' },
  throttled: { ...failure, outcome: 'throttled', retryAfterMs: null },
  unavailable: { ...failure, outcome: 'unavailable', retryAfterMs: null, isOperatorError: false },
  unknown: { ...failure, outcome: 'unknown' },
} satisfies Record<string, SendOutcome>;

const CAUSES: Record<Event, Cause> = {
  due: ({ pool }) => queueAndExpire(pool, LIMIT, events),
  claim: claimAll,
  worker_lost: claimAll,
  expired: ({ pool }) => queueAndExpire(pool, LIMIT, events),
  expired_uncertain: ({ pool }) => queueAndExpire(pool, LIMIT, events),
  account_removed: ({ pool }) => reassignFromRemoved(pool, ['another'], events),
  account_removed_uncertain: ({ pool }) => reassignFromRemoved(pool, ['another'], events),
  accepted: settle(OUTCOMES.accepted),
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
    ...{ free_slots: LIMIT, retries: LIMIT, first: null, newest_first: false },
  }));
  await pool.query(`select from ${storedFunction('claim_deliveries')}($1, ${LIMIT}, ${LIMIT}, 1000)`, [
    JSON.stringify(routes),
  ]);
}

/** Settles the first attempt of each message. `canReconcile`: whether the account can resolve an unknown outcome. */
function settle(outcome: SendOutcome, canReconcile = true): Cause {
  return async ({ pool, actors }) => {
    const { name, capabilities } = providerAt('http://127.0.0.1:1');
    const known = canReconcile ? {} : { idempotencyKeys: false, lookUp: null };
    const provider = { name, channel: 'sms', capabilities: { ...capabilities, ...known } } as Provider;
    const settler = createSettler({ pool, events, leaseMs: 60_000 });
    const expires_at = new Date(Date.now() + HOUR * 1_000);
    await Promise.all(
      actors.map(({ id, conversation_id }) => {
        const message = {
          id,
          conversation_id,
          attempt_count: 1,
          retry_count: 0,
          may_have_been_sent: false,
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
            message: { ...message, created_at: new Date(), send_at: null } as unknown as Claimed,
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

function receiptFor(id: number, status: string) {
  return {
    ...{
      provider: ACCOUNT,
      provider_message_id: `id-${id}`,
      recipient: null,
      dedupe_key: null,
      status,
      error: null,
    },
    ...{ message_id: id, delivery_key: `00000000-0000-4000-8000-${id.toString(16).padStart(12, '0')}` },
    ...{ bounce: null, occurred_at: new Date(), payload: {} },
  };
}

function act(action: 'cancel' | 'retry'): Cause {
  return async ({ pool, actors }) => {
    const actions = createManualActions(pool, () => undefined);
    for (const { id } of actors)
      await actions.apply(action, id, undefined).catch((error) => {
        if (!(error instanceof MessageStatusError)) throw error;
      });
  };
}
