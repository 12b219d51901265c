import type { Knex } from 'knex';
import type { DeliveryReceipt } from '../../db/models/delivery-receipt.ts';
import { Message } from '../../db/models/message.ts';
import { NotFoundError } from '../../errors.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import { presentMessage } from '../message-view.ts';
import { DEFAULT_LIMIT, isId, type Page, type PageQuery, pageOf, readCursor } from '../page.ts';
import { mergedIds } from './conversations.ts';
import { readMessages } from './message-page.ts';

/** @throws {NotFoundError} */
export async function getMessage(knex: Knex, id: number, reserve: Reserve): Promise<Schema<'Message'>> {
  const candidates = Message.query(knex).where('messages.id', id);
  const { rows } = await readMessages(knex, { candidates, order: 'id', limit: 1, reserve });
  if (!rows[0]) throw new NotFoundError(`message ${id}`);
  return presentMessage(rows[0]);
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
  reserve: Reserve,
): Promise<Page<Schema<'Message'>>> {
  const { limit = DEFAULT_LIMIT, order = 'asc', after_id = 0 } = query;
  const cursor = readCursor<[number]>(query.cursor, [isId])?.[0];
  const above = order === 'asc' ? Math.max(after_id, cursor ?? 0) : after_id;
  const below = order === 'desc' ? (cursor ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
  const members = await mergedIds(knex, conversationId);
  // The ids of a page of each conversation, by its index, and the first of all these: no more is read however long the
  // conversations are.
  const picked = knex.raw(
    `(select own.id from unnest(?::bigint[]) as member(id) cross join lateral (
        select id from messages where conversation_id = member.id and id > ? and id < ? order by id ${order} limit ?
      ) as own order by own.id ${order} limit ?) as picked`,
    [members, above, below, limit + 1, limit + 1],
  );
  const candidates = Message.query(knex)
    .select('messages.*')
    .from(picked as never)
    .joinRaw('join messages on messages.id = picked.id');
  const { rows, last } = await readMessages(knex, { candidates, order: `id ${order}`, limit, reserve });
  return pageOf(rows, last && [last[1]], presentMessage);
}

/** Where a page of attempts ends: the last attempt, receipt and action of the page. */
type AttemptPosition = [attempt: number, receipt: number, action: number];

/**
 * What was done to deliver a message, what its provider reported, and what people decided about it: of each at most
 * `limit` on a page.
 *
 * @throws {NotFoundError}
 */
export async function listAttempts(
  knex: Knex,
  id: number,
  query: PageQuery,
): Promise<Schema<'DeliveryAttemptList'>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<AttemptPosition>(query.cursor, [isId, isId, isId]) ?? [0, 0, 0];
  const message = await Message.query(knex)
    .findById(id)
    .select('id')
    .withGraphFetched('[attempts(page), receipts(receiptPage), actions(actionPage)]')
    .modifiers({
      page: (builder) => {
        builder
          .whereRaw('number > ?::bigint', [after[0]])
          .orderBy('number')
          .limit(limit + 1);
      },
      receiptPage: (builder) => {
        builder
          .select(RECEIPT_COLUMNS)
          .where('id', '>', after[1])
          .orderBy('id')
          .limit(limit + 1);
      },
      actionPage: (builder) => {
        builder
          .where('id', '>', after[2])
          .orderBy('id')
          .limit(limit + 1);
      },
    });
  if (!message) throw new NotFoundError(`message ${id}`);
  const all = [message.attempts ?? [], message.receipts ?? [], message.actions ?? []] as const;
  const [attempts, receipts, actions] = [
    all[0].slice(0, limit),
    all[1].slice(0, limit),
    all[2].slice(0, limit),
  ];
  const position: AttemptPosition = [
    attempts.at(-1)?.number ?? after[0],
    receipts.at(-1)?.id ?? after[1],
    actions.at(-1)?.id ?? after[2],
  ];
  const more = all.some((rows) => rows.length > limit);
  return {
    ...pageOf(attempts, more ? position : null, presentAttempt),
    receipts: receipts.map(presentReceipt),
    actions: actions.map(({ action, from_status, created_at }) => ({
      action,
      from_status,
      created_at: created_at.toISOString(),
    })),
  };
}

/** Not the payload, which may be large. */
const RECEIPT_COLUMNS = [
  'id',
  'provider',
  'provider_message_id',
  'message_id',
  'status',
  'error',
  'occurred_at',
  'received_at',
];

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
