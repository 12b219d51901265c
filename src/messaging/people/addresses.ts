import type { Knex } from 'knex';
import { Participant } from '../../db/models/participant.ts';
import { InvalidRequestError } from '../../errors.ts';
import { restoreInnerPlus } from '../../openapi/lost-plus.ts';
import { type AddressParser, isSendable } from '../address.ts';
import { NOT_AN_ADDRESS } from '../recording/address-reader.ts';
import { trimInvisible } from '../text.ts';

/**
 * Finds the participants of addresses. Also returns the normalised addresses.
 *
 * @param pathOf returns the path of an input, for validation errors.
 * @throws {InvalidRequestError} if an input is neither a valid address for sending nor the address of a participant.
 */
export async function findAddresses(
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

/** The ids of the participants with this external id, and of the other addresses of the same people. */
export async function findByExternalId(knex: Knex, externalId: string): Promise<number[]> {
  const { rows } = await knex.raw<{ rows: { id: number }[] }>(
    `select address.id from (
       select distinct coalesce(person_id, id) as person from participants where external_id = ?
     ) as owner
     cross join lateral (
       select id from participants where id = owner.person
       union all
       select id from participants where person_id = owner.person
     ) as address`,
    [externalId],
  );
  return rows.map(({ id }) => id);
}
