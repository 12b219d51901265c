import type { Knex } from 'knex';
import { storedFunction } from '../../db/functions.ts';
import { Participant } from '../../db/models/participant.ts';
import { ParticipantLink } from '../../db/models/participant-link.ts';
import { ConflictError, NotFoundError } from '../../errors.ts';
import { regroupAfter } from './regrouping.ts';
import {
  addressesOf,
  assertNoSharedConversation,
  checkBeforeLock,
  type Sides,
} from './shared-conversations.ts';

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
 * @throws {ConflictError} if the participants are the same, are one person already, or share a conversation, or if one of them was
 *   erased.
 * @throws {UnavailableError} if the link is stored, but not all conversations are regrouped yet.
 */
export async function linkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  const checked = await checkBeforeLock(knex, id, otherId);
  await changePeople(knex, async (trx) => {
    const [one, other] = [await find(trx, id), await find(trx, otherId)];
    if (id === otherId) throw new ConflictError('link_to_self', 'A participant cannot be linked to itself.');
    const [person, otherPerson] = [one.person, other.person];
    const link = await latestLink(trx, id, otherId);
    if (link && !link.unlinked_at) return addressesOf(trx, person);
    const erased = [one, other].find(({ erased_at }) => erased_at !== null);
    if (erased)
      throw new ConflictError(
        'participant_erased',
        `Participant ${erased.id} was erased and cannot be linked.`,
      );
    if (person === otherPerson)
      throw new ConflictError(
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
