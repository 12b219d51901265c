import type { Knex } from 'knex';
import { Participant } from '../db/models/participant.ts';
import { ParticipantLink } from '../db/models/participant-link.ts';
import { LinkConflictError, NotFoundError } from '../errors.ts';

/**
 * Which addresses are one person's. The links that hold are a forest, for one within a person is refused: so taking
 * one back parts a person in exactly two, and what it had made one is again what it was.
 */

/** The lock that linking and making conversations take turns by; `add_conversations` takes it too. */
const PEOPLE_LOCK = 4_281_907_001;

/** The database's clock, which all processes share, after the wait for one's turn. */
const NOW = 'clock_timestamp()';

/**
 * Says that two participants are one person; repeating it changes nothing.
 *
 * @throws {NotFoundError} one of them does not exist.
 * @throws {LinkConflictError} they are the same one, one person already, or write to each other.
 */
export async function linkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  await inTurn(knex, async (trx) => {
    const [one, other] = [await find(trx, id), await find(trx, otherId)];
    if (id === otherId)
      throw new LinkConflictError('link_to_self', `Participant ${id} is the same person as itself.`);
    const link = await latestLink(trx, id, otherId);
    if (link && !link.unlinked_at) return;
    const [person, otherPerson] = [one.person, other.person];
    if (person === otherPerson)
      throw new LinkConflictError(
        'link_cycle',
        `Participants ${id} and ${otherId} are one person already, by other links.`,
      );
    const [addresses, otherAddresses] = [await addressesOf(trx, person), await addressesOf(trx, otherPerson)];
    await assertStrangers(trx, addresses, otherAddresses, [id, otherId]);
    await ParticipantLink.query(trx).insert({
      participant_id: Math.min(id, otherId),
      other_id: Math.max(id, otherId),
      linked_at: trx.raw(NOW),
    });
    const members = [...addresses, ...otherAddresses];
    await makePeople(trx, [members]);
    await regroup(trx, members);
  });
}

/**
 * Takes back that two participants are one person.
 *
 * @throws {NotFoundError} one of them does not exist, or they were never linked.
 */
export async function unlinkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  await inTurn(knex, async (trx) => {
    const one = await find(trx, id);
    await find(trx, otherId);
    const link = await latestLink(trx, id, otherId);
    if (!link) throw new NotFoundError(`link between participants ${id} and ${otherId}`);
    // A repeat, of one whose answer was lost.
    if (link.unlinked_at) return;
    await link.$query(trx).patch({ unlinked_at: trx.raw(`greatest(linked_at, ${NOW})`) });
    const members = await addressesOf(trx, one.person);
    const links = await ParticipantLink.query(trx)
      .whereNull('unlinked_at')
      .where((builder) => builder.whereIn('participant_id', members).orWhereIn('other_id', members));
    const part = reachable(id, links);
    await makePeople(trx, [[...part], members.filter((member) => !part.has(member))]);
    await regroup(trx, members);
  });
}

/** Linking, unlinking and making conversations happen one after the other. */
function inTurn(knex: Knex, work: (trx: Knex.Transaction) => Promise<void>): Promise<void> {
  return knex.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [PEOPLE_LOCK]);
    await work(trx);
  });
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
  const rows = await Participant.query(trx).select('id').where('id', personId).orWhere('person_id', personId);
  return rows.map(({ id }) => id);
}

async function assertStrangers(trx: Knex, one: number[], other: number[], ids: [number, number]) {
  const { rows } = await trx.raw<{ rows: { conversation_id: number }[] }>(
    `select conversation_id from conversation_participants as one
     join conversation_participants as other using (conversation_id)
     where one.participant_id = any(?) and other.participant_id = any(?) order by conversation_id limit 1`,
    [one, other],
  );
  if (rows[0])
    throw new LinkConflictError(
      'link_of_correspondents',
      `Participants ${ids[0]} and ${ids[1]} are in conversation ${rows[0].conversation_id} together: they are not one person.`,
    );
}

/** Everyone who can be reached from `start` by these links. */
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

/** Each of these groups is one person, who goes by its smallest id. */
async function makePeople(trx: Knex, groups: number[][]): Promise<void> {
  for (const members of groups) {
    const personId = Math.min(...members);
    await trx.raw(
      'update participants set person_id = nullif(?::bigint, id), updated_at = now() where id = any(?)',
      [personId, members],
    );
  }
}

/**
 * Finds out anew who speaks for the conversations of these participants, with all of them locked: whoever draws an
 * id for a message in one of them has either committed it, or will see who speaks for it now.
 */
async function regroup(trx: Knex, participantIds: number[]): Promise<void> {
  const { rows } = await trx.raw<{ rows: { id: number }[] }>(
    `select id from conversations
     where id in (select conversation_id from conversation_participants where participant_id = any(?))
     order by id for no key update`,
    [participantIds],
  );
  const ids = rows.map(({ id }) => id);
  await trx.raw('select regroup_conversations(?)', [ids]);
  await trx.raw(
    `update conversations set last_message_at = activity.at
     from (
       select coalesce(merged_into_id, conversations.id) as id, max(coalesce(last.created_at, conversations.created_at)) as at
       from conversations left join lateral (
         select created_at from messages where conversation_id = conversations.id order by messages.id desc limit 1
       ) as last on true
       where conversations.id = any(?) group by 1
     ) as activity
     where conversations.id = activity.id`,
    [ids],
  );
}
