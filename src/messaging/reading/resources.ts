import type { Knex } from 'knex';
import { raw } from 'objection';
import { Conversation } from '../../db/models/conversation.ts';
import { Message } from '../../db/models/message.ts';
import type { Schema } from '../../openapi/types.ts';
import { type PresentableMessage, type PresentMessage, presentableStart } from '../message-view.ts';
import { COLUMNS, type MergedConversation, presentMerged } from './conversations.ts';

/** The max characters of an event. */
const MAX_CHARACTERS = 20_000;

/** Messages by their ids. A body, or attachments, with more than `MAX_CHARACTERS` have hardly more. */
export async function messagesByIds(
  knex: Knex,
  present: PresentMessage,
  ids: number[],
): Promise<Map<number, Schema<'Message'>>> {
  if (ids.length === 0) return new Map();
  const rows = await Message.query(knex)
    .whereIn('messages.id', ids)
    .modify(presentableStart, MAX_CHARACTERS)
    .castTo<PresentableMessage[]>();
  return new Map(rows.map((row) => [row.id, present(row, { html: false })]));
}

/** Conversations by their ids. A merged conversation has the content of its primary conversation. */
export async function conversationsByIds(
  knex: Knex,
  ids: number[],
): Promise<Map<number, Schema<'Conversation'>>> {
  if (ids.length === 0) return new Map();
  const primaries = Conversation.query(knex).select(raw('coalesce(merged_into_id, id)')).whereIn('id', ids);
  const members: MergedConversation[number][] = await Conversation.query(knex)
    .select(...COLUMNS)
    .whereIn('id', primaries)
    .orWhereIn('merged_into_id', primaries.clone())
    .orderBy('id');
  const groups = [...Map.groupBy(members, ({ id, merged_into_id }) => merged_into_id ?? id).values()];
  const shown = await presentMerged(knex, groups as MergedConversation[]);
  const byPrimary = new Map(shown.map((conversation) => [conversation.id, conversation]));
  const wanted = new Set(ids);
  return new Map(
    members.flatMap(({ id, merged_into_id }) => {
      const primary = byPrimary.get(merged_into_id ?? id);
      if (!primary || !wanted.has(id)) return [];
      return [[id, primary.id === id ? primary : { ...primary, id, merged_into: primary.id }] as const];
    }),
  );
}
