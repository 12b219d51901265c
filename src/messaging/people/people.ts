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

/** Reads and changes participants and their links, and changes conversations, in one database. */
export function createPeople({ knex, pool }: Pick<Database, 'knex' | 'pool'>, parse: AddressParser) {
  return {
    list: (query: ParticipantQuery, reserve: Reserve) => listParticipants(knex, parse, query, reserve),
    get: (id: number) => getParticipant(knex, id),
    update: (id: number, change: Schema<'ParticipantUpdate'>) => updateParticipant(knex, id, change),
    updateConversation: (id: number, change: Schema<'ConversationUpdate'>) =>
      updateConversation(pool, id, change),
    link: (id: number, otherId: number) => linkParticipants(knex, id, otherId),
    unlink: (id: number, otherId: number) => unlinkParticipants(knex, id, otherId),
  };
}
