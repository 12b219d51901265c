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

/** A conversation that speaks, with those that were merged into it. */
interface Family {
  speaker: Conversation;
  members: Conversation[];
  last: LastMessage | undefined;
}

const PREVIEW_LENGTH = 120;

/**
 * One conversation; of one that was merged, what speaks for it.
 *
 * @throws {NotFoundError}
 */
export async function getConversation(knex: Knex, id: number): Promise<Schema<'Conversation'>> {
  for (;;) {
    const [speakerId] = (await membersOf(knex, id)) as [number];
    const shown = (await showSpeakers(knex, [speakerId])).get(speakerId);
    if (shown) return speakerId === id ? shown : { ...shown, id, merged_into: speakerId };
  }
}

/**
 * The ids of all conversations that are read as one with this one, the one that speaks first.
 *
 * @throws {NotFoundError}
 */
export async function membersOf(knex: Knex, id: number): Promise<number[]> {
  const asked = Conversation.query(knex).select(knex.raw('coalesce(merged_into_id, id)')).where('id', id);
  const members = await Conversation.query(knex)
    .select('id')
    .where('id', asked)
    .orWhere('merged_into_id', asked.clone())
    .orderBy('id');
  if (members.length === 0) throw new NotFoundError(`conversation ${id}`);
  return members.map((member) => member.id);
}

/**
 * Conversations that speak, by their ids, with all that is shown of them: three queries, however many they are. One
 * that no longer speaks, as people were linked since it was found, is left out: the caller has to find it anew.
 */
export async function showSpeakers(
  knex: Knex,
  speakerIds: number[],
): Promise<Map<number, Schema<'Conversation'>>> {
  const members = await Conversation.query(knex)
    .whereIn('id', speakerIds)
    .orWhereIn('merged_into_id', speakerIds)
    .orderBy('id')
    .withGraphFetched('participants');
  const last = await lastMessages(
    knex,
    members.map(({ id }) => id),
  );
  const bySpeaker = Map.groupBy(members, ({ id, merged_into_id }) => merged_into_id ?? id);
  return new Map(
    [...bySpeaker].map(([id, family]) => {
      const latest = family
        .flatMap((member) => last.get(member.id) ?? [])
        .reduce<LastMessage | undefined>((a, b) => (a && a.id > b.id ? a : b), undefined);
      return [id, present({ speaker: family[0] as Conversation, members: family, last: latest })];
    }),
  );
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

function present({ speaker, members, last }: Family): Schema<'Conversation'> {
  const participants = new Map(
    members.flatMap((member) => member.participants ?? []).map((one) => [one.id, one]),
  );
  return {
    id: speaker.id,
    merged_into: null,
    merged_ids: members.filter((member) => member !== speaker).map(({ id }) => id),
    channels: [...new Set(members.map(({ channel }) => channel))],
    participants: [...participants.values()]
      .sort((a, b) => a.id - b.id)
      .map(({ id, address, kind, name, person }) => ({ id, address, kind, name, person_id: person })),
    message_count: members.reduce((sum, { message_count }) => sum + message_count, 0),
    last_message: last
      ? {
          id: last.id,
          direction: last.direction,
          type: last.type,
          preview: last.preview,
          created_at: last.created_at.toISOString(),
        }
      : null,
    created_at: speaker.created_at.toISOString(),
    last_message_at: speaker.last_message_at.toISOString(),
  };
}
