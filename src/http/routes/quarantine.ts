import { presentReceipt } from '../../delivery/timeline.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listQuarantine'
  | 'getQuarantinedWebhook'
  | 'replayQuarantinedWebhook'
  | 'deleteQuarantinedWebhook';

export function quarantineHandlers({ webhooks: { quarantine } }: Context): Pick<Handlers, Operations> {
  return {
    listQuarantine: async ({ query }) => ({ status: 200, body: await quarantine.list(query) }),
    getQuarantinedWebhook: async ({ params, reserve }) => ({
      status: 200,
      body: await quarantine.get(params.id, reserve),
    }),
    replayQuarantinedWebhook: async ({ params, reserve }) => {
      const { messages, receipts } = await quarantine.replay(params.id, reserve);
      return {
        status: 200,
        body: { message_ids: messages.map(({ id }) => id), receipts: receipts.map(presentReceipt) },
      };
    },
    deleteQuarantinedWebhook: async ({ params }) => {
      await quarantine.remove(params.id);
      return { status: 204, body: undefined };
    },
  };
}
