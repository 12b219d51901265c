import type { Knex } from 'knex';
import { Participant } from '../db/models/participant.ts';
import { ParticipantLink } from '../db/models/participant-link.ts';
import { InvalidRequestError, NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { Address } from './address.ts';
import { DEFAULT_LIMIT, isId, type Page, type PageQuery, pageOf, readCursor } from './page.ts';

export type AddressParser = (input: string) => Address | null;

/**
 * The normalised form of the addresses in a query.
 *
 * @throws {InvalidRequestError} naming each that is none; `pathOf` tells where it stands.
 */
export function readKeys(
  parse: AddressParser,
  inputs: string[],
  pathOf: (index: number) => string,
): string[] {
  // A plus sign that was not encoded arrives as a space.
  const addresses = inputs.map((input) => parse(input.replace(/^ /, '+')));
  const faults = addresses.flatMap((address, index) =>
    address ? [] : [{ path: pathOf(index), message: 'is neither a phone number nor an email address' }],
  );
  if (faults.length > 0) throw new InvalidRequestError(faults);
  return addresses.map((address) => (address as Address).key);
}

/** For each of these addresses the ids of all addresses of its person; none where it never took part in anything. */
export async function findPeople(
  knex: Knex,
  parse: AddressParser,
  inputs: string[],
  pathOf: (index: number) => string,
): Promise<number[][]> {
  const keys = [...new Set(readKeys(parse, inputs, pathOf))];
  if (keys.length === 0) return [];
  const found = await Participant.query(knex).whereIn('address', keys);
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
  const keys = readKeys(parse, query.address === undefined ? [] : [query.address], () => '/query/address');
  const rows = await Participant.query(knex)
    .modify((builder) => {
      if (keys.length > 0) builder.whereIn('address', keys);
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
