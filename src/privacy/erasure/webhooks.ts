import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
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
  is_in_progress: boolean;
}

const LOCK = {
  name: 'lock-erasure-of-webhooks',
  text: `
    select coalesce(inner_position, 0) as position, requested_at::text from erasures
    where id = $1 and state = 'running' and step = 'webhooks' for update skip locked`,
};
const FIND = {
  name: 'find-webhooks-to-erase',
  text: `
    select id, target, headers::text, body, object_id, object_bytes,
      leased and next_attempt_at > statement_timestamp() as is_in_progress
    from webhook_inbox where id > $1 and received_at <= $2::timestamptz order by id limit ${PAGE} for update`,
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
 * Erases the webhooks among the next ones, stored before the request, that name an erased address: of a batch, the items that do; any other webhook
 * whole.
 *
 * @returns `waits` if another process does this step, or an attempt to process such a webhook has to end.
 */
export async function eraseWebhooks(
  connection: pg.ClientBase,
  store: MediaStore,
  erasure: number,
  addresses: string[],
): Promise<ErasureState> {
  const { rows: locked } = await connection.query<{ position: number; requested_at: string }>(LOCK, [
    erasure,
  ]);
  if (!locked[0]) return 'waits';
  const { rows } = await connection.query<StoredWebhook>(FIND, [locked[0].position, locked[0].requested_at]);
  const mentions = createMentions(addresses);
  const named: StoredWebhook[] = [];
  let waits = false;
  let done = 0;
  for (const webhook of rows) {
    const isNamed = await names(store, webhook, mentions);
    // Its message still belongs to the participant, and is erased with the others.
    waits = isNamed && webhook.is_in_progress;
    if (waits) break;
    if (isNamed) named.push(webhook);
    done++;
  }
  const kept = new Map(named.map((webhook) => [webhook.id, otherItems(webhook, mentions)]));
  for (const [id, body] of kept) if (body !== null) await connection.query(KEEP_PART, [id, body]);
  await connection.query(DELETE, [[...kept].filter(([, body]) => body === null).map(([id]) => id)]);
  const position = rows[done - 1]?.id ?? locked[0].position;
  await connection.query(MOVE, [erasure, position, named.length, !waits && rows.length < PAGE]);
  return waits ? 'waits' : 'running';
}

async function names(store: MediaStore, webhook: StoredWebhook, mentions: Mentions): Promise<boolean> {
  const { target, headers, body, object_id, object_bytes } = webhook;
  if (mentions(target) || mentions(headers)) return true;
  if (body !== null) return isMentionedIn([body], mentions);
  return isMentionedIn(store.read(object_id as string, 0, object_bytes as number), mentions);
}

/** The items of a batch, such as the events of SendGrid, that do not name an address; null if there are none, or it is no batch. */
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
