import type { Knex } from 'knex';
import { Participant } from '../db/models/participant.ts';
import { ParticipantLink } from '../db/models/participant-link.ts';
import { InvalidRequestError, NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import { type AddressParser, isSendable } from './address.ts';
import { NOT_AN_ADDRESS } from './address-reader.ts';
import { DEFAULT_LIMIT, isId, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import { trimInvisible } from './text.ts';

/**
 * The participants that have these addresses, and the normalised form of each address.
 *
 * @throws {InvalidRequestError} naming each that is neither an address that can be sent to nor one of a participant;
 * `pathOf` gives its path.
 */
async function findAddresses(
  knex: Knex,
  parse: AddressParser,
  inputs: string[],
  pathOf: (index: number) => string,
): Promise<{ keys: string[]; found: Participant[] }> {
  if (inputs.length === 0) return { keys: [], found: [] };
  // A plus sign that was not encoded arrives as a space.
  const texts = inputs.map((input) => input.replace(/^ /, '+'));
  const addresses = texts.map(parse);
  const keys = addresses.map((address, index) => address?.key ?? trimInvisible(texts[index] as string));
  const found = await Participant.query(knex).whereIn('address', keys);
  const known = new Set(found.map(({ address }) => address));
  const faults = addresses.flatMap((address, index) =>
    (address && isSendable(address)) || known.has(keys[index] as string)
      ? []
      : [{ path: pathOf(index), message: NOT_AN_ADDRESS }],
  );
  if (faults.length > 0) throw new InvalidRequestError(faults);
  return { keys: [...new Set(keys)], found };
}

/** For each of these addresses the ids of all addresses of its person; none where it never took part in anything. */
export async function findPeople(
  knex: Knex,
  parse: AddressParser,
  inputs: string[],
  pathOf: (index: number) => string,
): Promise<number[][]> {
  const { keys, found } = await findAddresses(knex, parse, inputs, pathOf);
  if (found.length === 0) return keys.map(() => []);
  const personIds = found.map(({ person }) => person);
  const addresses = await Participant.query(knex).whereIn('id', personIds).orWhereIn('person_id', personIds);
  const byPerson = Map.groupBy(addresses, ({ person }) => person);
  const byKey = new Map(found.map((participant) => [participant.address, participant.person]));
  return keys.map((key) => (byPerson.get(byKey.get(key) ?? 0) ?? []).map(({ id }) => id));
}

/** The participants in the order of their ids. */
export async function listParticipants(
  knex: Knex,
  parse: AddressParser,
  query: PageQuery & { address?: string | undefined },
): Promise<Page<Schema<'Participant'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<[number]>(query.cursor, [isId]);
  const addresses = query.address === undefined ? [] : [query.address];
  const { found } = await findAddresses(knex, parse, addresses, () => '/query/address');
  const rows = await Participant.query(knex)
    .modify((builder) => {
      if (query.address !== undefined)
        builder.whereIn(
          'id',
          found.map(({ id }) => id),
        );
      if (after) builder.where('id', '>', after[0]);
    })
    .orderBy('id')
    .limit(limit + 1);
  const links = await linksOf(knex, rows);
  return pageOf(
    rows,
    limit,
    (row) => [row.id],
    (row) => present(row, links),
  );
}

/** @throws {NotFoundError} */
export async function getParticipant(knex: Knex, id: number): Promise<Schema<'Participant'>> {
  const row = await Participant.query(knex).findById(id);
  if (!row) throw new NotFoundError(`participant ${id}`);
  return present(row, await linksOf(knex, [row]));
}

/** @throws {NotFoundError} */
export async function updateParticipant(
  knex: Knex,
  id: number,
  { name }: Schema<'ParticipantUpdate'>,
): Promise<Schema<'Participant'>> {
  if (name !== undefined) await Participant.query(knex).findById(id).patch({ name, updated_at: new Date() });
  return getParticipant(knex, id);
}

async function linksOf(knex: Knex, participants: Participant[]): Promise<ParticipantLink[]> {
  const ids = participants.map(({ id }) => id);
  return ParticipantLink.query(knex).whereIn('participant_id', ids).orWhereIn('other_id', ids).orderBy('id');
}

function present(row: Participant, links: ParticipantLink[]): Schema<'Participant'> {
  const own = links.filter((link) => link.participant_id === row.id || link.other_id === row.id);
  return {
    id: row.id,
    address: row.address,
    kind: row.kind,
    name: row.name,
    person_id: row.person,
    links: own.map((link) => ({
      participant_id: link.participant_id === row.id ? link.other_id : link.participant_id,
      linked_at: link.linked_at.toISOString(),
      unlinked_at: link.unlinked_at?.toISOString() ?? null,
    })),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
