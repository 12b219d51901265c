import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'listConversations' | 'getConversation' | 'updateConversation' | 'listConversationMessages';

export function conversationHandlers({ reader, people }: Context): Pick<Handlers, Operations> {
  return {
    listConversations: async ({ query, reserve }) => ({
      status: 200,
      body: await reader.listConversations(query, reserve),
    }),
    getConversation: async ({ params }) => ({ status: 200, body: await reader.getConversation(params.id) }),
    updateConversation: async ({ params, body }) => {
      await people.updateConversation(params.id, body);
      return { status: 200, body: await reader.getConversation(params.id) };
    },
    listConversationMessages: async ({ params, query, reserve }) => ({
      status: 200,
      body: await reader.listConversationMessages(params.id, query, reserve),
    }),
  };
}
