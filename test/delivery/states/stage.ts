import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import type { Event, State } from '../../../src/delivery/states/table.ts';
import type { Harness } from '../../support/harness.ts';
import { ACCOUNT, type Actor, CAUSES, HOUR, receiptFor } from './causes.ts';

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

  /** Applies receipts to a message in one batch; `recipient` is null for all recipients, or with `of_one` for one that is not named. */
  async report(
    id: number,
    receipts: { status: string; recipient: string | null; of_one?: boolean }[],
  ): Promise<void> {
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
