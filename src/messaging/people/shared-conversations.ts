import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { Participant } from '../../db/models/participant.ts';
import { ConflictError } from '../../errors.ts';

/** The addresses of each of the two people. */
export type Sides = [one: number[], other: number[]];

/** A check that the two people share no conversation with an id up to `upTo`. */
export interface Checked {
  sides: Sides;
  upTo: number;
}

/**
 * Searches for a shared conversation before the lock is acquired, because the search may take long. Conversations become
 * visible in the order of their ids, so conversations up to `upTo` need no second check. Returns null if the people share a
 * conversation or are one person already, or if a participant does not exist.
 */
export async function checkBeforeLock(knex: Knex, id: number, otherId: number): Promise<Checked | null> {
  const found = await Participant.query(knex).findByIds([id, otherId]);
  const [one, other] = [id, otherId].map(
    (wanted) => found.find((participant) => participant.id === wanted)?.person,
  );
  if (one === undefined || other === undefined || one === other) return null;
  const { rows } = await knex.raw<{ rows: { up_to: number }[] }>(
    'select coalesce(max(id), 0) as up_to from conversations',
  );
  const sides: Sides = [await addressesOf(knex, one), await addressesOf(knex, other)];
  const isShared = (await sharedConversation(knex, sides, 0)) !== undefined;
  return isShared ? null : { sides, upTo: rows[0]?.up_to ?? 0 };
}

async function sharedConversation(knex: Knex, sides: Sides, after: number): Promise<number | undefined> {
  const { rows } = await knex.raw<{ rows: { conversation_id: number }[] }>(
    `select conversation_id from conversation_participants as one
     join conversation_participants as other using (conversation_id)
     where one.participant_id = any(?) and other.participant_id = any(?) and conversation_id > ?
     order by conversation_id limit 1`,
    [...sides, after],
  );
  return rows[0]?.conversation_id;
}

export async function assertNoSharedConversation(
  trx: Knex,
  sides: Sides,
  checked: Checked | null,
  [id, otherId]: [number, number],
) {
  const after = checked && isDeepStrictEqual(checked.sides, sides) ? checked.upTo : 0;
  const shared = await sharedConversation(trx, sides, after);
  if (shared !== undefined)
    throw new ConflictError(
      'participants_share_conversation',
      `Participants ${id} and ${otherId} share conversation ${shared} and cannot be linked.`,
    );
}

/** The ids of the participants of a person. */
export async function addressesOf(trx: Knex, personId: number): Promise<number[]> {
  const rows = await Participant.query(trx)
    .select('id')
    .where('id', personId)
    .orWhere('person_id', personId)
    .orderBy('id');
  return rows.map(({ id }) => id);
}
