import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { Participant } from '../../db/models/participant.ts';
import { ParticipantLink } from '../../db/models/participant-link.ts';
import { InvalidRequestError, NotFoundError } from '../../errors.ts';
import {
  Cursors,
  DEFAULT_LIMIT,
  FREE_BYTES,
  isId,
  PAGE_BYTES,
  type Page,
  type PageQuery,
} from '../../openapi/page.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import { type AddressParser, isSendable } from '../address.ts';
import { NOT_AN_ADDRESS } from '../recording/address-reader.ts';
import { trimInvisible } from '../text.ts';

/**
 * Finds the participants of addresses. Also returns the normalised addresses.
 *
 * @param pathOf returns the path of an input, for validation errors.
 * @throws {InvalidRequestError} if an input is neither a valid address for sending nor the address of a participant.
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
  const options = texts.map((text) => {
    const address = parse(text);
    const restored = address ? null : parse(restoreInnerPlus(text));
    return { address, given: address?.key ?? trimInvisible(text), restored };
  });
  const rows = await Participant.query(knex).whereIn(
    'address',
    options.flatMap(({ given, restored }) => (restored ? [given, restored.key] : [given])),
  );
  const known = new Set(rows.map(({ address }) => address));
  // The address of the sender of an inbound message may have spaces.
  const keys = options.map(({ given, restored }) => (restored && !known.has(given) ? restored.key : given));
  const faults = options.flatMap(({ address, restored }, index) => {
    const parsed = address ?? restored;
    return (parsed && isSendable(parsed)) || known.has(keys[index] as string)
      ? []
      : [{ path: pathOf(index), message: NOT_AN_ADDRESS }];
  });
  if (faults.length > 0) throw new InvalidRequestError(faults);
  return { keys: [...new Set(keys)], found: rows.filter(({ address }) => keys.includes(address)) };
}

/** Restores the plus signs in the local part of an email address, which has no spaces. */
function restoreInnerPlus(text: string): string {
  const end = text.lastIndexOf('@');
  const start = text.lastIndexOf('<', end) + 1;
  return end < 0
    ? text
    : text.slice(0, start) + text.slice(start, end).trimStart().replaceAll(' ', '+') + text.slice(end);
}

/** For each address, the participant ids of its person; empty for an address without a participant. See `findAddresses`. */
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

/** Maximum links of a participant in a response; older links are omitted. */
const MAX_LINKS = 1_000;
/** Upper bounds for the bytes of a participant and of a link in a response. */
const [OWN_BYTES, LINK_BYTES] = [1_500, 150];

/** The ids of the latest links of each participant of a page. */
const LATEST_LINKS = `
  cross join lateral (
    select array_agg(latest.id) as ids, ${OWN_BYTES} + ${LINK_BYTES} * count(*) as size from (
      (select id from participant_links where participant_id = page.id order by id desc limit ${MAX_LINKS})
      union all
      (select id from participant_links where other_id = page.id order by id desc limit ${MAX_LINKS})
      order by id desc limit ${MAX_LINKS}
    ) as latest
  ) as link`;

type Sized = Participant & { link_ids: string[] | null; running: number };

export type ParticipantQuery = PageQuery & { address?: string | undefined };

/** A page of participants in the order of their ids. */
export async function listParticipants(
  knex: Knex,
  parse: AddressParser,
  query: ParticipantQuery,
  reserve: Reserve,
): Promise<Page<Schema<'Participant'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const cursors = new Cursors<[number]>('participants', query, [isId]);
  const { after } = cursors;
  const addresses = query.address === undefined ? [] : [query.address];
  const { found } = await findAddresses(knex, parse, addresses, () => '/query/address');
  const candidates = Participant.query(knex)
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
  const sized = await withLinks(knex, candidates);
  const kept = sized.slice(0, limit).filter(({ running }, index) => index === 0 || running <= PAGE_BYTES);
  const bytes = kept.at(-1)?.running ?? 0;
  if (bytes > FREE_BYTES) await reserve(bytes);
  const data = await presentAll(knex, kept);
  const last = kept.at(-1);
  return cursors.page(
    data,
    last && kept.length < sized.length ? [last.id] : null,
    (participant) => participant,
  );
}

function withLinks(knex: Knex, participants: QueryBuilder<Participant>): Promise<Sized[]> {
  const sized = Participant.query(knex)
    .from(participants.as('page') as never)
    .joinRaw(LATEST_LINKS)
    .select(
      'page.*',
      'link.ids as link_ids',
      knex.raw('(sum(link.size) over (order by page.id))::bigint as running'),
    )
    .orderBy('page.id');
  return sized.castTo<Sized[]>() as unknown as Promise<Sized[]>;
}

/** @throws {NotFoundError} */
export async function getParticipant(knex: Knex, id: number): Promise<Schema<'Participant'>> {
  const rows = await withLinks(knex, Participant.query(knex).where({ id }));
  const [participant] = await presentAll(knex, rows);
  if (!participant) throw new NotFoundError(`participant ${id}`);
  return participant;
}

/** Participants by their ids. */
export async function participantsByIds(
  knex: Knex,
  ids: number[],
): Promise<Map<number, Schema<'Participant'>>> {
  if (ids.length === 0) return new Map();
  const participants = await presentAll(
    knex,
    await withLinks(knex, Participant.query(knex).whereIn('id', ids)),
  );
  return new Map(participants.map((participant) => [participant.id, participant]));
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

async function presentAll(knex: Knex, rows: Sized[]): Promise<Schema<'Participant'>[]> {
  const ids = rows.flatMap(({ link_ids }) => link_ids ?? []).map(Number);
  const links = ids.length === 0 ? [] : await ParticipantLink.query(knex).findByIds([...new Set(ids)]);
  const byId = new Map(links.map((link) => [link.id, link]));
  return rows.map((row) =>
    present(
      row,
      (row.link_ids ?? []).flatMap((id) => byId.get(Number(id)) ?? []).sort((a, b) => a.id - b.id),
    ),
  );
}

function present(row: Participant, links: ParticipantLink[]): Schema<'Participant'> {
  return {
    id: row.id,
    address: row.address,
    address_type: row.address_type,
    name: row.name,
    person_id: row.person,
    links: links.map((link) => ({
      participant_id: link.participant_id === row.id ? link.other_id : link.participant_id,
      linked_at: link.linked_at.toISOString(),
      unlinked_at: link.unlinked_at?.toISOString() ?? null,
    })),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
