import type { Knex } from 'knex';
import { Message } from '../../db/models/message.ts';
import { NotFoundError } from '../../errors.ts';
import { Cursors, DEFAULT_LIMIT, isId, type Page, type PageQuery } from '../../openapi/page.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { Included, PresentMessage } from '../message-view.ts';
import { mergedIds } from './conversations.ts';
import { readMessages } from './message-page.ts';

/** A database, and the view of its messages. */
export interface MessageSource {
  knex: Knex;
  present: PresentMessage;
}

/** @throws {NotFoundError} */
export async function getMessage(
  { knex, present }: MessageSource,
  id: number,
  reserve: Reserve,
): Promise<Schema<'Message'>> {
  const candidates = Message.query(knex).where('messages.id', id);
  const { rows } = await readMessages(knex, { candidates, order: 'id', limit: 1, reserve });
  if (!rows[0]) throw new NotFoundError(`message ${id}`);
  return present(rows[0], { html: true });
}

/** The fields that the query of a list includes. */
export function includedBy({ include = [] }: { include?: readonly 'html'[] | undefined }): Included {
  return { html: include.includes('html') };
}

export interface ConversationMessagesQuery extends PageQuery {
  order?: 'asc' | 'desc' | undefined;
  after_id?: number | undefined;
  include?: readonly 'html'[] | undefined;
}

/**
 * A page of the messages of a conversation and of the conversations that are merged with it, in the order of their ids.
 *
 * @throws {NotFoundError}
 */
export async function listConversationMessages(
  { knex, present }: MessageSource,
  conversationId: number,
  query: ConversationMessagesQuery,
  reserve: Reserve,
): Promise<Page<Schema<'Message'>>> {
  const { limit = DEFAULT_LIMIT, order = 'asc', after_id = 0 } = query;
  const cursors = new Cursors<[number]>(`messages of ${conversationId}`, query, [isId]);
  const cursor = cursors.after?.[0];
  const above = order === 'asc' ? Math.max(after_id, cursor ?? 0) : after_id;
  const below = order === 'desc' ? (cursor ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;
  const members = await mergedIds(knex, conversationId);
  // Reads the ids of one page of each conversation from the index, and keeps the first ids of all conversations, so that the
  // cost does not depend on the lengths of the conversations.
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
  const included = includedBy(query);
  return cursors.page(rows, last && [last[1]], (row) => present(row, included));
}
