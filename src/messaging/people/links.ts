import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { storedFunction } from '../../db/functions.ts';
import { Participant } from '../../db/models/participant.ts';
import { ParticipantLink } from '../../db/models/participant-link.ts';
import { LinkConflictError, NotFoundError } from '../../errors.ts';
import { regroupAfter } from './regrouping.ts';

/**
 * Links between addresses of one person. A link between two addresses of the same person is refused, so the current
 * links form trees, and removing a link divides a person into exactly two.
 *
 * A link takes effect when its own short transaction commits. That transaction also regroups the person's first
 * conversations; the other conversations follow in steps (`regrouping.ts`), so that no lock is held for long.
 */

/** The time of the database, so that all processes have the same clock; unlike `now()`, the time after the wait for the lock. */
const NOW = 'clock_timestamp()';

/**
 * Links two participants as one person. Resolves when their conversations are regrouped. A repeated call changes
 * nothing, and waits until the remaining conversations are regrouped.
 *
 * @throws {NotFoundError} if one of the participants does not exist.
 * @throws {LinkConflictError} if the participants are the same, are one person already, or share a conversation.
 * @throws {UnavailableError} if the link is stored, but not all conversations are regrouped yet.
 */
export async function linkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  const checked = await checkBeforeLock(knex, id, otherId);
  await changePeople(knex, async (trx) => {
    const [one, other] = [await find(trx, id), await find(trx, otherId)];
    if (id === otherId)
      throw new LinkConflictError('link_to_self', 'A participant cannot be linked to itself.');
    const [person, otherPerson] = [one.person, other.person];
    const link = await latestLink(trx, id, otherId);
    if (link && !link.unlinked_at) return addressesOf(trx, person);
    if (person === otherPerson)
      throw new LinkConflictError(
        'already_linked',
        `Participants ${id} and ${otherId} are one person already, by other links.`,
      );
    const sides = [await addressesOf(trx, person), await addressesOf(trx, otherPerson)] as Sides;
    await assertNoSharedConversation(trx, sides, checked, [id, otherId]);
    await ParticipantLink.query(trx).insert({
      participant_id: Math.min(id, otherId),
      other_id: Math.max(id, otherId),
      linked_at: trx.raw(NOW),
    });
    const members = sides.flat();
    await assignPersonIds(trx, [members]);
    await appendEvents(trx, 'participant.linked', [id, otherId]);
    return members;
  });
}

/**
 * Removes the link between two participants. Resolves when their conversations are regrouped.
 *
 * @throws {NotFoundError} if one of the participants does not exist, or the participants were never linked.
 * @throws {UnavailableError} if the link is removed, but not all conversations are regrouped yet.
 */
export async function unlinkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  await changePeople(knex, async (trx) => {
    const [one, other] = [await find(trx, id), await find(trx, otherId)];
    const link = await latestLink(trx, id, otherId);
    if (!link) throw new NotFoundError(`link between participants ${id} and ${otherId}`);
    const members = await addressesOf(trx, one.person);
    // A repeated request whose first response was lost.
    if (link.unlinked_at) return [...members, ...(await addressesOf(trx, other.person))];
    await link.$query(trx).patch({ unlinked_at: trx.raw(`greatest(linked_at, ${NOW})`) });
    const links = await ParticipantLink.query(trx)
      .whereNull('unlinked_at')
      .where((builder) => builder.whereIn('participant_id', members).orWhereIn('other_id', members));
    const part = reachable(id, links);
    await assignPersonIds(trx, [[...part], members.filter((member) => !part.has(member))]);
    await appendEvents(trx, 'participant.unlinked', [id, otherId]);
    return members;
  });
}

/**
 * Changes people while holding the lock on people; then regroups the conversations of the participants that `change` resolves
 * with.
 */
async function changePeople(knex: Knex, change: (trx: Knex.Transaction) => Promise<number[]>): Promise<void> {
  await regroupAfter(knex, async (trx) => {
    await trx.raw(`select ${storedFunction('lock_people')}()`);
    return change(trx);
  });
}

/** Appends an event for each participant. */
async function appendEvents(
  trx: Knex.Transaction,
  type: 'participant.linked' | 'participant.unlinked',
  ids: number[],
): Promise<void> {
  const types = ids.map(() => type);
  await trx.raw(`select ${storedFunction('append_events')}(?::text[], ?::bigint[], null)`, [types, ids]);
}

async function find(trx: Knex, id: number): Promise<Participant> {
  const participant = await Participant.query(trx).findById(id);
  if (!participant) throw new NotFoundError(`participant ${id}`);
  return participant;
}

function latestLink(trx: Knex, id: number, otherId: number) {
  return ParticipantLink.query(trx)
    .findOne({ participant_id: Math.min(id, otherId), other_id: Math.max(id, otherId) })
    .orderBy('id', 'desc');
}

async function addressesOf(trx: Knex, personId: number): Promise<number[]> {
  const rows = await Participant.query(trx)
    .select('id')
    .where('id', personId)
    .orWhere('person_id', personId)
    .orderBy('id');
  return rows.map(({ id }) => id);
}

/** The addresses of each of the two people. */
type Sides = [one: number[], other: number[]];

/** A check that the two people share no conversation with an id up to `upTo`. */
interface Checked {
  sides: Sides;
  upTo: number;
}

/**
 * Searches for a shared conversation before the lock is acquired, because the search may take long. Conversations become
 * visible in the order of their ids, so conversations up to `upTo` need no second check. Returns null if the people share a
 * conversation or are one person already, or if a participant does not exist.
 */
async function checkBeforeLock(knex: Knex, id: number, otherId: number): Promise<Checked | null> {
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

async function assertNoSharedConversation(
  trx: Knex,
  sides: Sides,
  checked: Checked | null,
  [id, otherId]: [number, number],
) {
  const after = checked && isDeepStrictEqual(checked.sides, sides) ? checked.upTo : 0;
  const shared = await sharedConversation(trx, sides, after);
  if (shared !== undefined)
    throw new LinkConflictError(
      'participants_share_conversation',
      `Participants ${id} and ${otherId} share conversation ${shared} and cannot be linked.`,
    );
}

/** The participants that the links connect with `start`, directly or indirectly. */
function reachable(start: number, links: ParticipantLink[]): Set<number> {
  const found = new Set([start]);
  for (const id of found) {
    for (const { participant_id, other_id } of links) {
      if (participant_id === id) found.add(other_id);
      if (other_id === id) found.add(participant_id);
    }
  }
  return found;
}

/** Makes each group one person with the smallest id of the group. Queues participants whose person changes for regrouping. */
async function assignPersonIds(trx: Knex, groups: number[][]): Promise<void> {
  for (const members of groups) {
    const personId = Math.min(...members);
    await trx.raw(
      `with changed as (
         update participants set person_id = nullif(?::bigint, id), updated_at = now()
         where id = any(?) and person_id is distinct from nullif(?::bigint, id) returning id
       )
       insert into pending_regroupings (participant_id) select id from changed
       on conflict (participant_id) do update set done_up_to = 0`,
      [personId, members, personId],
    );
  }
}
