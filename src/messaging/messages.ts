import type { Knex } from 'knex';
import type { DeliveryReceipt } from '../db/models/delivery-receipt.ts';
import { Message } from '../db/models/message.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import { DEFAULT_LIMIT, isId, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { presentableColumns, presentMessage } from './present.ts';

/** @throws {NotFoundError} */
export async function getMessage(knex: Knex, id: number): Promise<Schema<'Message'>> {
  const message = await Message.query(knex).findById(id).select(presentableColumns);
  if (!message) throw new NotFoundError(`message ${id}`);
  return presentMessage(message);
}

/** The messages of one conversation in the order of their ids. */
export async function listConversationMessages(
  knex: Knex,
  conversationId: number,
  query: PageQuery & { order?: 'asc' | 'desc' | undefined },
): Promise<Page<Schema<'Message'>>> {
  const { limit = DEFAULT_LIMIT, order = 'asc' } = query;
  const after = readCursor<[number]>(query.cursor, [isId]);
  const rows = await Message.query(knex)
    .select(presentableColumns)
    .where('conversation_id', conversationId)
    .modify((builder) => after && builder.where('id', order === 'asc' ? '>' : '<', after[0]))
    .orderBy('id', order)
    .limit(limit + 1);
  return pageOf(rows, limit, (row) => [row.id], presentMessage);
}

/**
 * What was done to deliver a message, and what its provider reported.
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
    .withGraphFetched('[attempts(page), receipts(inOrder)]')
    .modifiers({
      page: (builder) => {
        builder
          .where('number', '>', after?.[0] ?? 0)
          .orderBy('number')
          .limit(limit + 1);
      },
      inOrder: (builder) => {
        builder.orderBy('id');
      },
    });
  if (!message) throw new NotFoundError(`message ${id}`);
  const page = pageOf(message.attempts ?? [], limit, (attempt) => [attempt.number], presentAttempt);
  return { ...page, receipts: (message.receipts ?? []).map(presentReceipt) };
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
