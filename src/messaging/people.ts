import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { Participant } from '../db/models/participant.ts';
import { ParticipantLink } from '../db/models/participant-link.ts';
import { LinkConflictError, NotFoundError } from '../errors.ts';
import { regroupAfter } from './regrouping.ts';

/**
 * Which addresses are one person's. The links that hold are a forest, for one within a person is refused: so taking
 * one back parts a person in exactly two, and what it had made one is again what it was.
 *
 * A link holds as soon as its own short transaction has committed. That transaction also regroups the first
 * conversations of the person; the others follow in steps (`regrouping.ts`), so that no lock is held for long.
 */

/** The lock that linking and making conversations take turns by; `add_conversations` takes it too. */
const PEOPLE_LOCK = 4_281_907_001;

/** The database's clock, which all processes share, after the wait for one's turn. */
const NOW = 'clock_timestamp()';

/**
 * Says that two participants are one person; resolves when their conversations are regrouped. Repeating it changes
 * nothing, and waits for what is left to be regrouped.
 *
 * @throws {NotFoundError} one of them does not exist.
 * @throws {LinkConflictError} they are the same one, one person already, or write to each other.
 * @throws {UnavailableError} the link holds, and not all conversations are regrouped yet.
 */
export async function linkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  const checked = await lookForShared(knex, id, otherId);
  await changePeople(knex, async (trx) => {
    const [one, other] = [await find(trx, id), await find(trx, otherId)];
    if (id === otherId)
      throw new LinkConflictError('link_to_self', `Participant ${id} is the same person as itself.`);
    const [person, otherPerson] = [one.person, other.person];
    const link = await latestLink(trx, id, otherId);
    if (link && !link.unlinked_at) return addressesOf(trx, person);
    if (person === otherPerson)
      throw new LinkConflictError(
        'link_cycle',
        `Participants ${id} and ${otherId} are one person already, by other links.`,
      );
    const sides = [await addressesOf(trx, person), await addressesOf(trx, otherPerson)] as Sides;
    await assertStrangers(trx, sides, checked, [id, otherId]);
    await ParticipantLink.query(trx).insert({
      participant_id: Math.min(id, otherId),
      other_id: Math.max(id, otherId),
      linked_at: trx.raw(NOW),
    });
    const members = sides.flat();
    await makePeople(trx, [members]);
    return members;
  });
}

/**
 * Takes back that two participants are one person; resolves when their conversations are regrouped.
 *
 * @throws {NotFoundError} one of them does not exist, or they were never linked.
 * @throws {UnavailableError} the link is taken back, and not all conversations are regrouped yet.
 */
export async function unlinkParticipants(knex: Knex, id: number, otherId: number): Promise<void> {
  await changePeople(knex, async (trx) => {
    const [one, other] = [await find(trx, id), await find(trx, otherId)];
    const link = await latestLink(trx, id, otherId);
    if (!link) throw new NotFoundError(`link between participants ${id} and ${otherId}`);
    const members = await addressesOf(trx, one.person);
    // A repeat of a request whose response was lost.
    if (link.unlinked_at) return [...members, ...(await addressesOf(trx, other.person))];
    await link.$query(trx).patch({ unlinked_at: trx.raw(`greatest(linked_at, ${NOW})`) });
    const links = await ParticipantLink.query(trx)
      .whereNull('unlinked_at')
      .where((builder) => builder.whereIn('participant_id', members).orWhereIn('other_id', members));
    const part = reachable(id, links);
    await makePeople(trx, [[...part], members.filter((member) => !part.has(member))]);
    return members;
  });
}

/**
 * Changes who is one person, under the lock that linking and making conversations take turns by; then regroups the
 * conversations of the participants that `change` resolves with.
 */
async function changePeople(knex: Knex, change: (trx: Knex.Transaction) => Promise<number[]>): Promise<void> {
  await regroupAfter(knex, async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [PEOPLE_LOCK]);
    return change(trx);
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
  const rows = await Participant.query(trx)
    .select('id')
    .where('id', personId)
    .orWhere('person_id', personId)
    .orderBy('id');
  return rows.map(({ id }) => id);
}

/** The addresses of each of the two people. */
type Sides = [one: number[], other: number[]];

/** That these addresses share no conversation with an id up to `upTo`. */
interface Checked {
  sides: Sides;
  upTo: number;
}

/**
 * Looks through the conversations of both people, which may be many, before the lock is taken; null where they share
 * one, or there are no two people. Conversations become visible in the order of their ids.
 */
async function lookForShared(knex: Knex, id: number, otherId: number): Promise<Checked | null> {
  const found = await Participant.query(knex).findByIds([id, otherId]);
  const [one, other] = [id, otherId].map(
    (asked) => found.find((participant) => participant.id === asked)?.person,
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

async function assertStrangers(
  trx: Knex,
  sides: Sides,
  checked: Checked | null,
  [id, otherId]: [number, number],
) {
  const after = checked && isDeepStrictEqual(checked.sides, sides) ? checked.upTo : 0;
  const shared = await sharedConversation(trx, sides, after);
  if (shared !== undefined)
    throw new LinkConflictError(
      'link_of_correspondents',
      `Participants ${id} and ${otherId} are in conversation ${shared} together: they are not one person.`,
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

/** Makes each of these groups one person, known by its smallest id; those whose person changes are to be regrouped. */
async function makePeople(trx: Knex, groups: number[][]): Promise<void> {
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
