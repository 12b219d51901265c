import type { Database } from '../../db/pools.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { AddressParser } from '../address.ts';
import { updateConversation } from './conversations.ts';
import { linkParticipants, unlinkParticipants } from './links.ts';
import {
  getParticipant,
  listParticipants,
  type ParticipantQuery,
  updateParticipant,
} from './participants.ts';

export type People = ReturnType<typeof createPeople>;

/**
 * Reads and changes participants and their links, and changes conversations, in one database.
 *
 * @param onEvent called after the commit of an event.
 */
export function createPeople(
  { knex, pool }: Pick<Database, 'knex' | 'pool'>,
  parse: AddressParser,
  onEvent: () => void,
) {
  return {
    list: (query: ParticipantQuery, reserve: Reserve) => listParticipants(knex, parse, query, reserve),
    get: (id: number) => getParticipant(knex, id),
    update: (id: number, change: Schema<'ParticipantUpdate'>) => updateParticipant(knex, id, change),
    updateConversation: (id: number, change: Schema<'ConversationUpdate'>) =>
      updateConversation(pool, id, change),
    link: async (id: number, otherId: number) => {
      await linkParticipants(knex, id, otherId);
      onEvent();
    },
    unlink: async (id: number, otherId: number) => {
      await unlinkParticipants(knex, id, otherId);
      onEvent();
    },
  };
}
