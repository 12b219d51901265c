import type pg from 'pg';
import { wasApplied } from '../db/action-keys.ts';
import { activateNext, lockConversations } from '../db/conversation-lock.ts';
import type { Delivery } from '../db/models/delivery.ts';
import { transaction } from '../db/transaction.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { IdempotencyKey } from '../openapi/types.ts';
import { type Event, TRANSITIONS } from './states/table.ts';

export type Action = 'cancel' | 'retry';

const FIND_CONVERSATION = {
  name: 'find-conversation-of',
  text: 'select conversation_id from deliveries where message_id = $1',
};

const LOCK_DELIVERY = {
  name: 'lock-delivery',
  text: `
    select status, may_have_been_sent, provider_message_id is not null as has_id
    from deliveries where message_id = $1 for update`,
};

/** A message whose content was erased, or whose files were removed by their age. */
const FIND_ERASED = {
  name: 'find-erased',
  text: `
    select from messages
    where id = $1 and (redacted_at is not null or exists (
      select from message_media join media on media.id = media_id where message_id = messages.id and state = 'removed'))`,
};

const ADD_ACTION = {
  name: 'add-action',
  text: `
    insert into delivery_actions (message_id, action, from_status, from_expires_at, actor)
    select message_id, $2, $3, expires_at, $4 from deliveries where message_id = $1`,
};

const CANCEL = {
  name: 'cancel-message',
  text: `
    update deliveries
    set status = 'canceled', error = null, next_attempt_at = null, updated_at = statement_timestamp()
    where message_id = $1`,
};

/**
 * A message that the provider accepted and did not deliver gets a new delivery key: under the old key the provider would
 * only return the first result. Any other message keeps its key, so that a provider cannot accept it twice. A receipt with the
 * current key proves that the provider accepted the message.
 * An unknown message with an id is partly sent: it is not sent again to the recipients who have got it.
 */
const RETRY = {
  name: 'retry-message',
  text: `
    with reached as materialized (
      select position from deliveries join delivery_recipients as own using (message_id)
      where message_id = $1 and deliveries.status = 'unknown' and deliveries.provider_message_id is not null
        and own.status in ('sent', 'delivered')
    ), removed as (
      delete from delivery_recipients where message_id = $1 and position not in (select position from reached)
    ), forgotten as (
      delete from recipient_marks
      where message_id = $1 and mark = 'bounced' and position not in (select position from reached)
    )
    update deliveries
    set status = 'queued', error = null, next_attempt_at = null, retry_count = 0,
        provider = case when exists (select from reached) then provider else accounts[1] end,
        may_have_been_sent = false,
        provider_message_id = case when exists (select from reached) then provider_message_id end,
        delivery_key = case
          when provider_message_id is not null or exists (
            select from delivery_receipts as receipt
            where receipt.message_id = deliveries.message_id and receipt.delivery_key = deliveries.delivery_key)
          then gen_random_uuid() else delivery_key end,
        expires_at = case
          when expires_at > statement_timestamp() then expires_at
          else statement_timestamp() + interval '24 hours' end,
        updated_at = statement_timestamp()
    where message_id = $1`,
};

interface Locked extends Pick<Delivery, 'status' | 'may_have_been_sent'> {
  /** Whether the message has an id of a provider: a message that waits for an attempt is partly sent then. */
  has_id: boolean;
}

const RULES: Record<
  Action,
  {
    change: { name: string; text: string };
    eventOf: (message: Locked) => Event;
    /** The status in which the action succeeds without a change. */
    done: Delivery['status'] | null;
  }
> = {
  cancel: {
    change: CANCEL,
    eventOf: ({ may_have_been_sent, has_id }) =>
      may_have_been_sent || has_id ? 'cancel_uncertain' : 'cancel',
    done: 'canceled',
  },
  retry: {
    change: RETRY,
    eventOf: () => 'retry',
    done: null,
  },
};

/**
 * `repeated`: an earlier request with the same key has applied the action. `unchanged`: the message already had the status
 * that the action sets.
 */
export type ActionResult = 'applied' | 'repeated' | 'unchanged';

export interface ActionRequest {
  key: IdempotencyKey | undefined;
  /** The name of the API key; null without API keys. */
  actor: string | null;
}

export interface ManualActions {
  /**
   * Cancels a message that was certainly not sent, or sends a failed message again.
   *
   * @throws {NotFoundError} there is no outbound message with this id.
   * @throws {ConflictError} the status does not allow the action.
   * @throws {IdempotencyKeyReusedError} the key was used for another action.
   */
  apply(action: Action, id: number, request: ActionRequest): Promise<ActionResult>;
}

/** @param onQueued called after a commit that queued a message. */
export function createManualActions(pool: pg.Pool, onQueued: () => void): ManualActions {
  return {
    apply: async (action, id, request) => {
      const result = await transaction(pool, (connection) => apply(connection, action, id, request));
      if (result === 'applied') onQueued();
      return result;
    },
  };
}

async function apply(
  connection: pg.ClientBase,
  action: Action,
  id: number,
  { key, actor }: ActionRequest,
): Promise<ActionResult> {
  const { rows: found } = await connection.query<{ conversation_id: number }>(FIND_CONVERSATION, [id]);
  if (!found[0]) throw new NotFoundError(`outbound message ${id}`);
  if (key !== undefined && (await wasApplied(connection, action, id, key))) return 'repeated';
  const conversations = [found[0].conversation_id];
  await lockConversations(connection, conversations);
  const { rows } = await connection.query<Locked>(LOCK_DELIVERY, [id]);
  const message = rows[0];
  if (!message) throw new NotFoundError(`outbound message ${id}`);
  const { eventOf, change, done } = RULES[action];
  if (message.status === done) return 'unchanged';
  if (TRANSITIONS[message.status][eventOf(message)] === message.status) throw refusal(action, id, message);
  // After the lock, because an erasure locks the delivery too.
  if (action === 'retry' && ((await connection.query(FIND_ERASED, [id])).rowCount ?? 0) > 0)
    throw new ConflictError('not_retriable', `The content or a file of message ${id} was erased.`);
  await connection.query(ADD_ACTION, [id, action, message.status, actor]);
  await connection.query(change, [id]);
  await activateNext(connection, conversations);
  return 'applied';
}

function refusal(action: Action, id: number, { status, may_have_been_sent, has_id }: Locked): ConflictError {
  if (action === 'retry')
    return new ConflictError('not_retriable', `Message ${id} is ${status} and cannot be sent again.`);
  const waits = status === 'queued';
  const reason =
    waits && has_id
      ? 'was sent to some of its recipients'
      : waits && may_have_been_sent
        ? 'may have been sent'
        : `is ${status}`;
  return new ConflictError('not_cancelable', `Message ${id} ${reason} and cannot be canceled.`);
}
