import type { Knex } from 'knex';
import { Message } from '../db/models/message.ts';
import { InvalidRequestError, NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import { findPeople, membersOf } from './conversations.ts';
import { DEFAULT_LIMIT, isId, isTime, type Page, type PageQuery, pageOf, readCursor } from './page.ts';
import type { AddressParser } from './participants.ts';
import { type PresentableMessage, presentableColumns, presentMessage } from './present.ts';
import { readQueryTime } from './time.ts';

export interface MessageQuery extends PageQuery {
  q?: string | undefined;
  conversation_id?: number | undefined;
  participant?: string | undefined;
  direction?: Schema<'Direction'> | undefined;
  type?: Schema<'MessageType'> | undefined;
  status?: Schema<'MessageStatus'> | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

interface Found extends PresentableMessage {
  found_in_subject?: string | null;
  found_in_body?: string;
}

/** As `messages_document_idx` has it: the planner compares the expressions. */
const DOCUMENT =
  'message_document(messages."from", messages."to", messages.cc, messages.subject, messages.body)';
/** What a written address stands for is found as well as its words. */
const QUERY = `(websearch_to_tsquery('simple', ?) || plainto_tsquery('simple', ?))`;
/** Marks that no text has: control characters, taken out of it beforehand. */
const [START, STOP] = ['\u0001', '\u0002'];
const MARKS = `StartSel=${START}, StopSel=${STOP}`;
/** Longer bodies are searched, and shown, by their beginning; `message_document` has the same limit. */
const SEARCHED_LENGTH = 100_000;

/** The messages that fit all that is asked, the latest first. */
export async function listMessages(
  knex: Knex,
  parse: AddressParser,
  query: MessageQuery,
): Promise<Page<Schema<'Message'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = readCursor<[string, number]>(query.cursor, [isTime, isId]);
  const [since, until] = [readQueryTime('since', query.since), readQueryTime('until', query.until)];
  const { direction, type, status, conversation_id, participant } = query;
  const search = query.q === undefined ? null : await readSearch(knex, parse, query.q);
  const members = conversation_id === undefined ? null : await membersOrNone(knex, conversation_id);
  const person =
    participant === undefined
      ? null
      : await findPeople(knex, parse, [participant], () => '/query/participant');

  const rows = await Message.query(knex)
    .select(presentableColumns.map((column) => `messages.${column}`))
    .select(knex.raw('coalesce(conversations.merged_into_id, conversations.id) as conversation_id'))
    .join('conversations', 'conversations.id', 'messages.conversation_id')
    .modify((builder) => {
      if (direction) builder.where('messages.direction', direction);
      if (type) builder.where('messages.type', type);
      if (status) builder.where('messages.status', status);
      if (since) builder.where('messages.created_at', '>=', since);
      if (until) builder.where('messages.created_at', '<', until);
      if (members) builder.whereIn('messages.conversation_id', members);
      if (person) {
        builder.whereIn('messages.conversation_id', (inner) =>
          inner
            .from('conversation_participants')
            .select('conversation_id')
            .whereIn('participant_id', person[0] ?? []),
        );
      }
      if (after) builder.whereRaw('(messages.created_at, messages.id) < (?::timestamptz, ?)', after);
      if (search) {
        builder
          .whereRaw(`${DOCUMENT} @@ ${QUERY}`, search)
          .select(knex.raw(`${headline('subject', 'HighlightAll=true')} as found_in_subject`, search))
          .select(
            knex.raw(
              `${headline('body', 'MaxWords=35, MinWords=15')} as found_in_body`,
              search,
            ),
          );
      }
    })
    .orderBy([
      { column: 'messages.created_at', order: 'desc' },
      { column: 'messages.id', order: 'desc' },
    ])
    .limit(limit + 1);
  return pageOf(
    rows,
    limit,
    (row) => [row.created_at, row.id],
    (row) => withHighlight(row),
  );
}

/** The words of a search, and the address that they may be. */
async function readSearch(knex: Knex, parse: AddressParser, q: string): Promise<[string, string]> {
  const address = parse(q);
  const isOne = address?.kind === 'phone' || address?.kind === 'email';
  const search: [string, string] = [q, isOne ? address.key : ''];
  const { rows } = await knex.raw<{ rows: { nodes: number }[] }>(`select numnode(${QUERY}) as nodes`, search);
  if (rows[0]?.nodes === 0)
    throw new InvalidRequestError([{ path: '/query/q', message: 'must have a word to search for' }]);
  return search;
}

/** None where there is no such conversation: a filter that nothing fits. */
async function membersOrNone(knex: Knex, id: number): Promise<number[]> {
  return membersOf(knex, id).catch((error) => {
    if (error instanceof NotFoundError) return [];
    throw error;
  });
}

function headline(column: 'subject' | 'body', options: string): string {
  const text = `translate(left(messages.${column}, ${SEARCHED_LENGTH}), '${START}${STOP}', '')`;
  return `ts_headline('simple', ${text}, ${QUERY}, '${MARKS}, ${options}')`;
}

function withHighlight({ found_in_subject, found_in_body, ...row }: Found): Schema<'Message'> {
  const message = presentMessage(row);
  if (found_in_body === undefined) return message;
  const subject = found_in_subject == null ? {} : { subject: toHtml(found_in_subject) };
  return { ...message, highlight: { ...subject, body: toHtml(found_in_body) } };
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function toHtml(marked: string): string {
  return marked
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replaceAll(START, '<mark>')
    .replaceAll(STOP, '</mark>');
}
