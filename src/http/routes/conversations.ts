import { listConversations } from '../../messaging/reading/conversation-list.ts';
import { getConversation } from '../../messaging/reading/conversations.ts';
import { listConversationMessages } from '../../messaging/reading/messages.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'listConversations' | 'getConversation' | 'listConversationMessages';

export function conversationHandlers({ knex, parseAddress }: Context): Pick<Handlers, Operations> {
  return {
    listConversations: async ({ query, reserve }) => ({
      status: 200,
      body: await listConversations(knex, parseAddress, query, reserve),
    }),
    getConversation: async ({ params }) => ({ status: 200, body: await getConversation(knex, params.id) }),
    listConversationMessages: async ({ params, query, reserve }) => ({
      status: 200,
      body: await listConversationMessages(knex, params.id, query, reserve),
    }),
  };
}
