import { linkParticipants, unlinkParticipants } from '../../messaging/people/links.ts';
import { getParticipant, listParticipants, updateParticipant } from '../../messaging/people/participants.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listParticipants'
  | 'getParticipant'
  | 'updateParticipant'
  | 'linkParticipants'
  | 'unlinkParticipants';

export function participantHandlers({ knex, parseAddress }: Context): Pick<Handlers, Operations> {
  return {
    listParticipants: async ({ query, reserve }) => ({
      status: 200,
      body: await listParticipants(knex, parseAddress, query, reserve),
    }),
    getParticipant: async ({ params }) => ({ status: 200, body: await getParticipant(knex, params.id) }),
    updateParticipant: async ({ params, body }) => ({
      status: 200,
      body: await updateParticipant(knex, params.id, body),
    }),
    linkParticipants: async ({ params }) => {
      await linkParticipants(knex, params.id, params.other_id);
      return { status: 200, body: await getParticipant(knex, params.id) };
    },
    unlinkParticipants: async ({ params }) => {
      await unlinkParticipants(knex, params.id, params.other_id);
      return { status: 200, body: await getParticipant(knex, params.id) };
    },
  };
}
