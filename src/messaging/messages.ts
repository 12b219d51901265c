import type { Knex } from 'knex';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { Message } from '../db/models/message.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import { membersOf } from './conversations.ts';
import { DEFAULT_LIMIT, isId, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { type PresentableMessage, presentable, presentMessage } from './present.ts';

/** @throws {NotFoundError} */
export async function getMessage(knex: Knex, id: number): Promise<Schema<'Message'>> {
  const message = await Message.query(knex).findById(id).modify(presentable).castTo<PresentableMessage>();
  if (!message) throw new NotFoundError(`message ${id}`);
  return presentMessage(message);
}

export interface ConversationMessagesQuery extends PageQuery {
  order?: 'asc' | 'desc' | undefined;
  after_id?: number | undefined;
}

/**
 * The messages of one conversation, with those of the ones merged with it, in the order of their ids.
 *
 * @throws {NotFoundError}
 */
export async function listConversationMessages(
  knex: Knex,
  conversationId: number,
  query: ConversationMessagesQuery,
): Promise<Page<Schema<'Message'>>> {
  const { limit = DEFAULT_LIMIT, order = 'asc', after_id = 0 } = query;
  const cursor = readCursor<[number]>(query.cursor, [isId])?.[0];
  const above = order === 'asc' ? Math.max(after_id, cursor ?? 0) : after_id;
  const below = order === 'desc' ? (cursor ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
  const members = await membersOf(knex, conversationId);
  // A page of each, by its index, and of these the first: no more is read however long they are.
  const pages = knex.raw(
    `unnest(?::bigint[]) as member(id) cross join lateral (
       select * from messages as own where own.conversation_id = member.id and own.id > ? and own.id < ?
       order by own.id ${order} limit ?
     ) as messages`,
    [members, above, below, limit + 1],
  );
  const rows = await Message.query(knex)
    .from(pages as never)
    .modify(presentable)
    .orderBy('messages.id', order)
    .limit(limit + 1)
    .castTo<PresentableMessage[]>();
  return pageOf(rows, limit, (row) => [row.id], presentMessage);
}

/**
 * What was done to deliver a message, what its provider reported, and what people decided about it.
 *
 * @throws {NotFoundError}
 */
export async function listAttempts(
  knex: Knex,
  id: number,
  query: PageQuery,
): Promise<Schema<'DeliveryAttemptList'>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<[number]>(query.cursor, [isId]);
  const message = await Message.query(knex)
    .findById(id)
    .select('id')
    .withGraphFetched('[attempts(page), receipts(inOrder), decisions(inOrder)]')
    .modifiers({
      page: (builder) => {
        builder
          .whereRaw('number > ?::bigint', [after?.[0] ?? 0])
          .orderBy('number')
          .limit(limit + 1);
      },
      inOrder: (builder) => {
        builder.orderBy('id');
      },
    });
  if (!message) throw new NotFoundError(`message ${id}`);
  const page = pageOf(message.attempts ?? [], limit, (attempt) => [attempt.number], presentAttempt);
  return {
    ...page,
    receipts: (message.receipts ?? []).map(presentReceipt),
    decisions: (message.decisions ?? []).map(({ decision, from_status, decided_at }) => ({
      decision,
      from_status,
      decided_at: decided_at.toISOString(),
    })),
  };
}

function presentAttempt({
  message_id: _,
  started_at,
  next_attempt_at,
  ...attempt
}: NonNullable<Message['attempts']>[number]) {
  return {
    number: attempt.number,
    provider: attempt.provider,
    started_at: started_at.toISOString(),
    duration_ms: attempt.duration_ms,
    outcome: attempt.outcome,
    http_status: attempt.http_status,
    code: attempt.code,
    detail: attempt.detail,
    provider_message_id: attempt.provider_message_id,
    next_attempt_at: next_attempt_at?.toISOString() ?? null,
  };
}

type PresentableReceipt = Pick<
  DeliveryReceipt,
  'provider' | 'provider_message_id' | 'message_id' | 'status' | 'error' | 'occurred_at' | 'received_at'
>;

/** A receipt as the contract shows it. */
export function presentReceipt(receipt: PresentableReceipt): Schema<'DeliveryReceipt'> {
  return {
    provider: receipt.provider,
    provider_message_id: receipt.provider_message_id,
    message_id: receipt.message_id,
    status: receipt.status,
    error: receipt.error,
    occurred_at: receipt.occurred_at.toISOString(),
    received_at: receipt.received_at.toISOString(),
  };
}
