import type pg from 'pg';
import { lockConversations, releaseFirst } from '../db/conversation-lock.ts';
import type { Delivery } from '../db/models/delivery.ts';
import { transaction } from '../db/pools.ts';
import { IdempotencyKeyReusedError, MessageStatusError, NotFoundError } from '../errors.ts';

type Decision = 'cancel' | 'retry';

const FIND_CONVERSATION = {
  name: 'find-conversation-of',
  text: 'select conversation_id from deliveries where message_id = $1',
};

const FIND_DECISION = {
  name: 'find-decision',
  text: 'select message_id, decision from delivery_decisions where idempotency_key = $1',
};

const LOCK_KEY = {
  name: 'lock-decision-key',
  text: 'select pg_advisory_xact_lock(hashtextextended($1, 4281907002))',
};

const LOCK_DELIVERY = {
  name: 'lock-delivery',
  text: 'select status, may_have_been_sent from deliveries where message_id = $1 for update',
};

const ADD_DECISION = {
  name: 'add-decision',
  text: `
    insert into delivery_decisions (message_id, decision, from_status, idempotency_key) values ($1, $2, $3, $4)`,
};

const CANCEL = {
  name: 'cancel-message',
  text: `
    update deliveries
    set status = 'canceled', error = null, next_attempt_at = null, updated_at = statement_timestamp()
    where message_id = $1`,
};

/**
 * What a provider has taken and not delivered is a new message to it: under the old key it would only say again that
 * it has it. Everything else keeps its key, so that it cannot be taken twice by a provider that drops repeats.
 */
const RETRY = {
  name: 'retry-message',
  text: `
    update deliveries
    set status = 'queued', error = null, provider = null, next_attempt_at = null, retry_count = 0,
        may_have_been_sent = false, provider_message_id = null,
        delivery_key = case when provider_message_id is null then delivery_key else gen_random_uuid() end,
        expires_at = case
          when expires_at > statement_timestamp() then expires_at
          else statement_timestamp() + interval '24 hours' end,
        updated_at = statement_timestamp()
    where message_id = $1`,
};

const RULES: Record<
  Decision,
  {
    change: { name: string; text: string };
    allows: (message: Pick<Delivery, 'status' | 'may_have_been_sent'>) => boolean;
    /** The status in which there is nothing left to do. */
    done: Delivery['status'] | null;
  }
> = {
  cancel: {
    change: CANCEL,
    allows: ({ status, may_have_been_sent }) =>
      status === 'scheduled' || (status === 'queued' && !may_have_been_sent),
    done: 'canceled',
  },
  retry: {
    change: RETRY,
    allows: ({ status }) => status === 'failed' || status === 'undelivered' || status === 'unknown',
    done: null,
  },
};

export interface Decisions {
  /**
   * Cancels a message that no provider can have, or has one that failed sent again; whether that was decided before
   * under this key, and nothing is changed.
   *
   * @throws {NotFoundError} there is no such outbound message.
   * @throws {MessageStatusError} its status does not allow it.
   * @throws {IdempotencyKeyReusedError} the key stands for another decision.
   */
  decide(decision: Decision, id: number, key: string | undefined): Promise<{ repeated: boolean }>;
}

/** @param onQueued called after a commit that left a message to be delivered. */
export function createDecisions(pool: pg.Pool, onQueued: () => void): Decisions {
  return {
    decide: async (decision, id, key) => {
      const decided = await transaction(pool, (connection) => decide(connection, decision, id, key));
      if (!decided.repeated) onQueued();
      return decided;
    },
  };
}

async function decide(
  connection: pg.ClientBase,
  decision: Decision,
  id: number,
  key: string | undefined,
): Promise<{ repeated: boolean }> {
  const { rows: found } = await connection.query<{ conversation_id: number }>(FIND_CONVERSATION, [id]);
  if (!found[0]) throw new NotFoundError(`outbound message ${id}`);
  if (key !== undefined && (await wasDecided(connection, decision, id, key))) return { repeated: true };
  const conversations = [found[0].conversation_id];
  await lockConversations(connection, conversations);
  const { rows } = await connection.query<Pick<Delivery, 'status' | 'may_have_been_sent'>>(LOCK_DELIVERY, [
    id,
  ]);
  const message = rows[0];
  if (!message) throw new NotFoundError(`outbound message ${id}`);
  const { allows, change, done } = RULES[decision];
  if (message.status === done) return { repeated: true };
  if (!allows(message)) throw refusal(decision, id, message);
  await connection.query(ADD_DECISION, [id, decision, message.status, key ?? null]);
  await connection.query(change, [id]);
  await releaseFirst(connection, conversations);
  return { repeated: false };
}

/** Whoever comes with the same key at the same time waits until this one is through. */
async function wasDecided(
  connection: pg.ClientBase,
  decision: Decision,
  id: number,
  key: string,
): Promise<boolean> {
  await connection.query(LOCK_KEY, [key]);
  const { rows } = await connection.query<{ message_id: number; decision: Decision }>(FIND_DECISION, [key]);
  const before = rows[0];
  if (before && (before.message_id !== id || before.decision !== decision))
    throw new IdempotencyKeyReusedError();
  return before !== undefined;
}

function refusal(
  decision: Decision,
  id: number,
  { status, may_have_been_sent }: Pick<Delivery, 'status' | 'may_have_been_sent'>,
): MessageStatusError {
  if (decision === 'retry')
    return new MessageStatusError('not_retriable', `Message ${id} is ${status} and cannot be sent again.`);
  const reason = may_have_been_sent && status === 'queued' ? 'may have been sent' : `is ${status}`;
  return new MessageStatusError('not_cancelable', `Message ${id} ${reason} and cannot be canceled.`);
}
