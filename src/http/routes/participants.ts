import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listParticipants'
  | 'getParticipant'
  | 'updateParticipant'
  | 'linkParticipants'
  | 'unlinkParticipants';

export function participantHandlers({ people }: Context): Pick<Handlers, Operations> {
  return {
    listParticipants: async ({ query, reserve }) => ({
      status: 200,
      body: await people.list(query, reserve),
    }),
    getParticipant: async ({ params }) => ({ status: 200, body: await people.get(params.id) }),
    updateParticipant: async ({ params, body }) => ({
      status: 200,
      body: await people.update(params.id, body),
    }),
    linkParticipants: async ({ params }) => {
      await people.link(params.id, params.other_id);
      return { status: 200, body: await people.get(params.id) };
    },
    unlinkParticipants: async ({ params }) => {
      await people.unlink(params.id, params.other_id);
      return { status: 200, body: await people.get(params.id) };
    },
  };
}
