import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { Participant } from '../../db/models/participant.ts';
import { ParticipantLink } from '../../db/models/participant-link.ts';
import { ConflictError, NotFoundError } from '../../errors.ts';
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
import type { AddressParser } from '../address.ts';
import { findAddresses } from './addresses.ts';

/** Maximum links of a participant in a response; older links are omitted. */
const MAX_LINKS = 1_000;
/** Upper bounds for the bytes of a participant without its metadata, and of a link, in a response. */
const [OWN_BYTES, LINK_BYTES] = [2_600, 150];

/** The ids of the latest links of each participant of a page, and the bytes of the participant in a response. */
const LATEST_LINKS = `
  cross join lateral (
    select array_agg(latest.id) as ids,
      ${OWN_BYTES} + ${LINK_BYTES} * count(*) + octet_length(page.metadata::text) as size
    from (
      (select id from participant_links where participant_id = page.id order by id desc limit ${MAX_LINKS})
      union all
      (select id from participant_links where other_id = page.id order by id desc limit ${MAX_LINKS})
      order by id desc limit ${MAX_LINKS}
    ) as latest
  ) as link`;

/** Without the metadata, which may be large and is read for the shown participants only. */
const COLUMNS = [
  'id',
  'address',
  'address_type',
  'name',
  'external_id',
  'person_id',
  'created_at',
  'updated_at',
  'erased_at',
] as const satisfies (keyof Participant)[];

type Sized = Pick<Participant, (typeof COLUMNS)[number] | 'person'> & {
  link_ids: string[] | null;
  running: number;
};

export interface ParticipantQuery extends PageQuery {
  address?: string | undefined;
  external_id?: string | undefined;
}

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
      if (query.external_id !== undefined) builder.where('external_id', query.external_id);
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
      COLUMNS.map((column) => `page.${column}`),
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

/**
 * @throws {NotFoundError}
 * @throws {ConflictError} the participant was erased.
 */
export async function updateParticipant(
  knex: Knex,
  id: number,
  { name, external_id, metadata }: Schema<'ParticipantUpdate'>,
): Promise<Schema<'Participant'>> {
  const changes = Object.entries({ name, external_id, metadata }).filter(([, value]) => value !== undefined);
  if (changes.length > 0)
    await Participant.query(knex)
      .findById(id)
      .whereNull('erased_at')
      .patch({ ...Object.fromEntries(changes), updated_at: new Date() });
  const participant = await getParticipant(knex, id);
  if (participant.erased_at !== null)
    throw new ConflictError('participant_erased', `Participant ${id} was erased and cannot be changed.`);
  return participant;
}

async function presentAll(knex: Knex, rows: Sized[]): Promise<Schema<'Participant'>[]> {
  const ids = rows.flatMap(({ link_ids }) => link_ids ?? []).map(Number);
  const links = ids.length === 0 ? [] : await ParticipantLink.query(knex).findByIds([...new Set(ids)]);
  const byId = new Map(links.map((link) => [link.id, link]));
  const metadata = await metadataOf(
    knex,
    rows.map(({ id }) => id),
  );
  return rows.map((row) =>
    present(
      row,
      metadata.get(row.id) ?? {},
      (row.link_ids ?? []).flatMap((id) => byId.get(Number(id)) ?? []).sort((a, b) => a.id - b.id),
    ),
  );
}

async function metadataOf(knex: Knex, ids: number[]): Promise<Map<number, Record<string, string>>> {
  if (ids.length === 0) return new Map();
  const rows = await Participant.query(knex)
    .select('id', 'metadata')
    .whereIn('id', ids)
    .whereRaw(`metadata <> '{}'`);
  return new Map(rows.map(({ id, metadata }) => [id, metadata]));
}

function present(
  row: Sized,
  metadata: Record<string, string>,
  links: ParticipantLink[],
): Schema<'Participant'> {
  return {
    id: row.id,
    address: row.address,
    address_type: row.address_type,
    name: row.name,
    external_id: row.external_id,
    metadata,
    person_id: row.person,
    links: links.map((link) => ({
      participant_id: link.participant_id === row.id ? link.other_id : link.participant_id,
      linked_at: link.linked_at.toISOString(),
      unlinked_at: link.unlinked_at?.toISOString() ?? null,
    })),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    erased_at: row.erased_at?.toISOString() ?? null,
  };
}
