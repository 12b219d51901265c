import type { Knex } from 'knex';
import { Conversation } from '../../db/models/conversation.ts';
import { Participant } from '../../db/models/participant.ts';
import { NotFoundError } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';
import { MESSAGE_START, type MessageStart, previewOf } from '../email/preview.ts';

interface LastMessage extends MessageStart {
  conversation_id: number;
  id: number;
  direction: Schema<'Direction'>;
  type: Schema<'MessageType'>;
  created_at: Date;
}

/** Without the metadata, which may be large and is read for the shown conversations only. */
export const COLUMNS = [
  'id',
  'channel',
  'merged_into_id',
  'message_count',
  'external_id',
  'created_at',
  'last_message_at',
] as const satisfies (keyof Conversation)[];

type Row = Pick<Conversation, (typeof COLUMNS)[number]>;

/**
 * A primary conversation and the conversations that are merged into it, in the order of their ids. One statement reads all
 * of them, because links can change between two statements.
 */
export type MergedConversation = [primary: Row, ...merged: Row[]];

const PARTICIPANT_COLUMNS = ['id', 'address', 'address_type', 'name', 'external_id', 'person_id'] as const;

type ParticipantOf = Pick<Participant, (typeof PARTICIPANT_COLUMNS)[number] | 'person'> & {
  primary_id: number;
};

/**
 * One conversation. For a merged conversation, the content is the content of its primary conversation.
 *
 * @throws {NotFoundError}
 */
export async function getConversation(knex: Knex, id: number): Promise<Schema<'Conversation'>> {
  const [shown] = (await presentMerged(knex, [await findMerged(knex, id)])) as [Schema<'Conversation'>];
  return shown.id === id ? shown : { ...shown, id, merged_into: shown.id };
}

/**
 * The ids of the primary conversation of the given conversation, and of all conversations that are merged into the primary
 * conversation, with the primary id first.
 *
 * @throws {NotFoundError}
 */
export async function mergedIds(knex: Knex, id: number): Promise<number[]> {
  return (await findMerged(knex, id)).map((conversation) => conversation.id);
}

async function findMerged(knex: Knex, id: number): Promise<MergedConversation> {
  const primaryId = Conversation.query(knex).select(knex.raw('coalesce(merged_into_id, id)')).where('id', id);
  const found: Row[] = await Conversation.query(knex)
    .select(...COLUMNS)
    .where('id', primaryId)
    .orWhere('merged_into_id', primaryId.clone())
    .orderBy('id');
  if (found.length === 0) throw new NotFoundError(`conversation ${id}`);
  return found as MergedConversation;
}

/** Reads participants, last messages and metadata with three queries for all conversations. */
export async function presentMerged(
  knex: Knex,
  conversations: MergedConversation[],
): Promise<Schema<'Conversation'>[]> {
  const last = await lastMessages(
    knex,
    conversations.flat().map(({ id }) => id),
  );
  const participants = await participantsOf(knex, conversations);
  const metadata = await metadataOf(knex, conversations);
  return conversations.map((merged) => {
    const { id } = merged[0];
    return present(merged, participants.get(id) ?? [], last, metadata.get(id) ?? {});
  });
}

/** The distinct participants of each merged conversation by the id of its primary conversation, in the order of their ids. */
async function participantsOf(
  knex: Knex,
  conversations: MergedConversation[],
): Promise<Map<number, ParticipantOf[]>> {
  // Lateral, so that each look-up uses an index independently of the planner's estimates.
  const takingPart = knex.raw(
    `(select distinct primary_id, participant_id
      from unnest(?::bigint[], ?::bigint[]) as member(id, primary_id) cross join lateral (
        select participant_id from conversation_participants where conversation_id = member.id offset 0
      ) as own) as taking_part
     cross join lateral (select * from participants where id = participant_id offset 0) as participants`,
    membersOf(conversations),
  );
  const found = await Participant.query(knex)
    .from(takingPart as never)
    .select('primary_id', ...PARTICIPANT_COLUMNS.map((column) => `participants.${column}`))
    .orderBy('participants.id')
    .castTo<ParticipantOf[]>();
  return Map.groupBy(found, ({ primary_id }) => primary_id);
}

/**
 * The metadata that each merged conversation shows, by the id of its primary conversation: that of the first of its
 * conversations, in the order of their ids, that has metadata.
 */
async function metadataOf(
  knex: Knex,
  conversations: MergedConversation[],
): Promise<Map<number, Record<string, string>>> {
  const { rows } = await knex.raw<{ rows: { primary_id: number; metadata: Record<string, string> }[] }>(
    `select distinct on (primary_id) primary_id, own_metadata as metadata
     from unnest(?::bigint[], ?::bigint[]) as member(id, primary_id) cross join lateral (
       select own_metadata from conversations where conversations.id = member.id and own_metadata <> '{}' offset 0
     ) as own
     order by primary_id, member.id`,
    membersOf(conversations),
  );
  return new Map(rows.map(({ primary_id, metadata }) => [primary_id, metadata]));
}

/** The ids of all conversations, and for each the id of its primary conversation. */
function membersOf(conversations: MergedConversation[]): [ids: number[], primaryIds: number[]] {
  const members = conversations.flatMap((merged) => merged.map(({ id }) => ({ id, primary: merged[0].id })));
  return [members.map(({ id }) => id), members.map(({ primary }) => primary)];
}

/** The last message of each conversation that has messages. */
async function lastMessages(knex: Knex, ids: number[]): Promise<Map<number, LastMessage>> {
  const { rows } = await knex.raw<{ rows: LastMessage[] }>(
    `select last.* from unnest(?::bigint[]) as shown(id)
     cross join lateral (
       select latest.conversation_id, latest.id, direction, type, created_at, ${MESSAGE_START}
       from (
         select * from messages where conversation_id = shown.id order by messages.id desc limit 1
       ) as latest
       left join lateral (
         select is_html, text, stripped_text from emails where latest.type = 'email' and message_id = latest.id offset 0
       ) as own on true
     ) as last`,
    [ids],
  );
  return new Map(rows.map((row) => [row.conversation_id, row]));
}

function present(
  conversation: MergedConversation,
  participants: ParticipantOf[],
  last: Map<number, LastMessage>,
  metadata: Record<string, string>,
): Schema<'Conversation'> {
  const [primary, ...merged] = conversation;
  const latest = conversation
    .flatMap(({ id }) => last.get(id) ?? [])
    .reduce<LastMessage | undefined>((a, b) => (a && a.id > b.id ? a : b), undefined);
  return {
    id: primary.id,
    external_id: conversation.find(({ external_id }) => external_id !== null)?.external_id ?? null,
    metadata,
    merged_into: null,
    merged_ids: merged.map(({ id }) => id),
    channels: [...new Set(conversation.map(({ channel }) => channel))],
    participants: participants.map(({ id, address, address_type, name, external_id, person }) => {
      return { id, address, address_type, name, external_id, person_id: person };
    }),
    message_count: conversation.reduce((sum, { message_count }) => sum + message_count, 0),
    last_message: latest
      ? {
          id: latest.id,
          direction: latest.direction,
          type: latest.type,
          preview: previewOf(latest),
          created_at: latest.created_at.toISOString(),
        }
      : null,
    created_at: primary.created_at.toISOString(),
    last_message_at: primary.last_message_at.toISOString(),
  };
}
