import { assertConversation, getConversation, listConversations } from '../../messaging/conversations.ts';
import { listConversationMessages } from '../../messaging/messages.ts';
import type { Handlers } from '../../openapi/types.ts';
import type { Context } from './context.ts';

type Operations = 'listConversations' | 'getConversation' | 'listConversationMessages';

export function conversationHandlers({ knex, parseAddress }: Context): Pick<Handlers, Operations> {
  return {
    listConversations: async ({ query }) => ({
      status: 200,
      body: await listConversations(knex, parseAddress, query),
    }),
    getConversation: async ({ params }) => ({ status: 200, body: await getConversation(knex, params.id) }),
    listConversationMessages: async ({ params, query }) => {
      const page = await listConversationMessages(knex, params.id, query);
      if (page.data.length === 0) await assertConversation(knex, params.id);
      return { status: 200, body: page };
    },
  };
}
