import type { Knex } from 'knex';
import { Conversation } from '../db/models/conversation.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';

interface LastMessage {
  conversation_id: number;
  id: number;
  direction: Schema<'Direction'>;
  type: Schema<'MessageType'>;
  preview: string;
  created_at: Date;
}

/**
 * A conversation that speaks, and those merged into it in the order of their ids. Always found by one statement:
 * between two, people may be linked or unlinked.
 */
export type Family = [speaker: Conversation, ...merged: Conversation[]];

const PREVIEW_LENGTH = 120;

/**
 * One conversation; of one that was merged, what speaks for it.
 *
 * @throws {NotFoundError}
 */
export async function getConversation(knex: Knex, id: number): Promise<Schema<'Conversation'>> {
  const [shown] = (await showFamilies(knex, [await familyOf(knex, id)])) as [Schema<'Conversation'>];
  return shown.id === id ? shown : { ...shown, id, merged_into: shown.id };
}

/**
 * The ids of all conversations that are read as one with this one, the one that speaks first.
 *
 * @throws {NotFoundError}
 */
export async function membersOf(knex: Knex, id: number): Promise<number[]> {
  const family = await familyOf(knex, id);
  return family.map((member) => member.id);
}

async function familyOf(knex: Knex, id: number): Promise<Family> {
  const asked = Conversation.query(knex).select(knex.raw('coalesce(merged_into_id, id)')).where('id', id);
  const family = await Conversation.query(knex)
    .where('id', asked)
    .orWhere('merged_into_id', asked.clone())
    .orderBy('id');
  if (family.length === 0) throw new NotFoundError(`conversation ${id}`);
  return family as Family;
}

/** With all that is shown of them: two queries, however many they are. */
export async function showFamilies(knex: Knex, families: Family[]): Promise<Schema<'Conversation'>[]> {
  const members = families.flat();
  await Conversation.fetchGraph(members, 'participants', { transaction: knex });
  const last = await lastMessages(
    knex,
    members.map(({ id }) => id),
  );
  return families.map((family) => present(family, last));
}

/** One row for each conversation, read from the end of its index. */
async function lastMessages(knex: Knex, ids: number[]): Promise<Map<number, LastMessage>> {
  const { rows } = await knex.raw<{ rows: LastMessage[] }>(
    `select last.* from unnest(?::bigint[]) as shown(id)
     cross join lateral (
       select conversation_id, messages.id, direction, type, left(body, ?) as preview, created_at
       from messages where conversation_id = shown.id order by messages.id desc limit 1
     ) as last`,
    [ids, PREVIEW_LENGTH],
  );
  return new Map(rows.map((row) => [row.conversation_id, row]));
}

function present(family: Family, last: Map<number, LastMessage>): Schema<'Conversation'> {
  const [speaker, ...merged] = family;
  const participants = new Map(
    family.flatMap((member) => member.participants ?? []).map((one) => [one.id, one]),
  );
  const latest = family
    .flatMap(({ id }) => last.get(id) ?? [])
    .reduce<LastMessage | undefined>((a, b) => (a && a.id > b.id ? a : b), undefined);
  return {
    id: speaker.id,
    merged_into: null,
    merged_ids: merged.map(({ id }) => id),
    channels: [...new Set(family.map(({ channel }) => channel))],
    participants: [...participants.values()]
      .sort((a, b) => a.id - b.id)
      .map(({ id, address, kind, name, person }) => ({ id, address, kind, name, person_id: person })),
    message_count: family.reduce((sum, { message_count }) => sum + message_count, 0),
    last_message: latest
      ? {
          id: latest.id,
          direction: latest.direction,
          type: latest.type,
          preview: latest.preview,
          created_at: latest.created_at.toISOString(),
        }
      : null,
    created_at: speaker.created_at.toISOString(),
    last_message_at: speaker.last_message_at.toISOString(),
  };
}
