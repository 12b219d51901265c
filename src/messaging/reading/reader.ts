import type { Database } from '../../db/pools.ts';
import type { Reserve } from '../../openapi/types.ts';
import type { AddressParser } from '../address.ts';
import type { PresentMessage } from '../message-view.ts';
import { type ConversationQuery, listConversations } from './conversation-list.ts';
import { getConversation, mergedIds } from './conversations.ts';
import { listMessages, type MessageQuery } from './message-list.ts';
import { type ConversationMessagesQuery, getMessage, listConversationMessages } from './messages.ts';
import { limitSearches } from './search-limit.ts';

export type Reader = ReturnType<typeof createReader>;

/** Reads messages and conversations in one database, with a limit of concurrent searches. */
export function createReader(
  { knex, reads }: Pick<Database, 'knex' | 'reads'>,
  parse: AddressParser,
  present: PresentMessage,
) {
  const messages = { knex, parse, present, searches: limitSearches(reads) };
  return {
    getMessage: (id: number, reserve: Reserve) => getMessage(messages, id, reserve),
    listMessages: (query: MessageQuery, reserve: Reserve) => listMessages(messages, query, reserve),
    getConversation: (id: number) => getConversation(knex, id),
    mergedIds: (id: number) => mergedIds(knex, id),
    listConversations: (query: ConversationQuery, reserve: Reserve) =>
      listConversations(knex, parse, query, reserve),
    listConversationMessages: (id: number, query: ConversationMessagesQuery, reserve: Reserve) =>
      listConversationMessages(messages, id, query, reserve),
  };
}
