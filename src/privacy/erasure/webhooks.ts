import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import { execute, transaction } from '../../db/transaction.ts';
import { UnavailableError } from '../../errors.ts';
import type { MediaStore } from '../../media/store.ts';
import { createMentions, isMentionedIn, type Mentions } from '../mentions.ts';
import type { ErasureState } from './state.ts';

/** The webhooks of one step; a row has at most 1 MiB, and a larger body is read in parts. */
const PAGE = 20;

interface StoredWebhook {
  id: number;
  target: string;
  headers: string;
  body: Buffer | null;
  object_id: string | null;
  object_bytes: number | null;
}

const FIND_POSITION = {
  name: 'find-erasure-of-webhooks',
  text: `
    select coalesce(inner_position, 0) as position, requested_at::text from erasures
    where id = $1 and state = 'running' and step = 'webhooks'`,
};
const FIND = {
  name: 'find-webhooks-to-erase',
  text: `
    select id, target, headers::text, body, object_id, object_bytes
    from webhook_inbox where id > $1 and received_at <= $2::timestamptz order by id limit ${PAGE}`,
};
const LOCK = {
  name: 'lock-erasure-of-webhooks',
  text: `
    select from erasures
    where id = $1 and state = 'running' and step = 'webhooks' and coalesce(inner_position, 0) = $2 for update skip locked`,
};
/** Attempts to process these webhooks begin before this statement, or find no webhook. */
const LOCK_WEBHOOKS = {
  name: 'lock-webhooks-to-erase',
  text: `
    select id, leased and next_attempt_at > statement_timestamp() as is_in_progress
    from webhook_inbox where id = any($1) order by id for update`,
};
const DELETE = {
  name: 'delete-erased-webhooks',
  text: `
    with deleted as (
      delete from webhook_inbox where id = any($1) returning object_id
    )
    insert into removed_objects (id) select object_id from deleted where object_id is not null`,
};
const KEEP_PART = { name: 'keep-part-of-webhook', text: 'update webhook_inbox set body = $2 where id = $1' };
const MOVE = {
  name: 'move-erasure-of-webhooks',
  text: `
    update erasures
    set inner_position = case when not $4 then $2::bigint end, step = case when $4 then 'participants' else step end,
      counts = ${storedFunction('add_counts')}(counts, jsonb_build_object('webhooks', $3::bigint))
    where id = $1`,
};

/**
 * Erases the webhooks among the next ones, stored before the request, that name an erased address: of a batch, the items that do; any
 * other webhook whole.
 *
 * @returns `waits` if another process does this step, or an attempt to process such a webhook has to end.
 */
export async function eraseWebhooks(
  pool: pg.Pool,
  store: MediaStore,
  erasure: number,
  addresses: string[],
): Promise<ErasureState> {
  const { rows: found } = await execute<{ position: number; requested_at: string }>(pool, FIND_POSITION, [
    erasure,
  ]);
  if (!found[0]) return 'waits';
  const { position, requested_at } = found[0];
  // Outside of the transaction, which has a connection, because large bodies are read over the same connections.
  const { rows } = await execute<StoredWebhook>(pool, FIND, [position, requested_at]);
  const mentions = createMentions(addresses);
  const named: StoredWebhook[] = [];
  for (const webhook of rows) if (await names(store, webhook, mentions)) named.push(webhook);
  const page = { position, last: rows.at(-1)?.id ?? position, isLast: rows.length < PAGE, named };
  return transaction(pool, (connection) => erasePage(connection, erasure, page, mentions));
}

interface Page {
  position: number;
  last: number;
  isLast: boolean;
  /** The webhooks that name an erased address. */
  named: StoredWebhook[];
}

async function erasePage(
  connection: pg.ClientBase,
  erasure: number,
  { position, last, isLast, named }: Page,
  mentions: Mentions,
): Promise<ErasureState> {
  const { rowCount } = await connection.query(LOCK, [erasure, position]);
  if (rowCount === 0) return 'waits';
  const { rows } = await connection.query<{ id: number; is_in_progress: boolean }>(LOCK_WEBHOOKS, [
    named.map(({ id }) => id),
  ]);
  // Its message still belongs to the participant, and is erased with the others.
  const awaited = rows.find(({ is_in_progress }) => is_in_progress)?.id;
  const erased = named.filter(({ id }) => awaited === undefined || id < awaited);
  const kept = new Map(erased.map((webhook) => [webhook.id, otherItems(webhook, mentions)]));
  for (const [id, body] of kept) if (body !== null) await connection.query(KEEP_PART, [id, body]);
  await connection.query(DELETE, [[...kept].filter(([, body]) => body === null).map(([id]) => id)]);
  const done = awaited === undefined ? last : awaited - 1;
  await connection.query(MOVE, [erasure, done, erased.length, isLast && awaited === undefined]);
  return awaited === undefined ? 'running' : 'waits';
}

/** A webhook whose body is lost can never be processed, and is erased. */
async function names(store: MediaStore, webhook: StoredWebhook, mentions: Mentions): Promise<boolean> {
  const { target, headers, body, object_id, object_bytes } = webhook;
  if (mentions(target) || mentions(headers)) return true;
  if (body !== null) return isMentionedIn([body], mentions);
  try {
    return await isMentionedIn(store.read(object_id as string, 0, object_bytes as number), mentions);
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    return true;
  }
}

/**
 * The items of a batch, such as the events of SendGrid, that name no erased address; null without such items, and for a body that is
 * no batch.
 */
function otherItems({ target, headers, body }: StoredWebhook, mentions: Mentions): Buffer | null {
  if (body === null || mentions(target) || mentions(headers)) return null;
  const others = parseList(body).filter((item) => !mentions(JSON.stringify(item)));
  return others.length > 0 ? Buffer.from(JSON.stringify(others)) : null;
}

function parseList(body: Buffer): unknown[] {
  try {
    const value: unknown = JSON.parse(body.toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
