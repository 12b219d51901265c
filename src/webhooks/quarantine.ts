import { isUtf8 } from 'node:buffer';
import type { Knex } from 'knex';
import type { Model } from 'objection';
import type pg from 'pg';
import { WebhookInboxEntry } from '../db/models/webhook-inbox-entry.ts';
import { execute } from '../db/transaction.ts';
import { ConflictError, NotFoundError, UnavailableError } from '../errors.ts';
import { Cursors, DEFAULT_LIMIT, FREE_BYTES, isId, type Page, type PageQuery } from '../openapi/page.ts';
import type { Reserve, Schema } from '../openapi/types.ts';
import { type AttemptOptions, attemptWebhook } from './attempt.ts';
import { MAX_INLINE_BYTES, readBody, removeLargeBody } from './inbox/bodies.ts';
import { IN_PROGRESS, type Leased, leaseWebhook, releaseWebhook } from './inbox/lease.ts';
import type { Processed } from './process.ts';
import { redactTarget } from './secrets.ts';

export interface QuarantineQuery extends PageQuery {
  account?: string | undefined;
  state?: Schema<'QuarantineState'> | undefined;
}

type Summary = Schema<'QuarantinedWebhook'>;
type Row = Omit<
  WebhookInboxEntry,
  'target' | 'headers' | 'body' | 'object_id' | 'object_bytes' | keyof Model
> & { body_bytes: number };

const SUMMARY = [
  ...['id', 'account', 'state', 'reason', 'detail', 'received_count', 'received_at', 'last_received_at'],
  ...['attempts', 'leased', 'next_attempt_at'],
];

const DELETE = {
  name: 'delete-webhook',
  text: `delete from webhook_inbox where id = $1 and not (${IN_PROGRESS}) returning account, object_id`,
};

export type Quarantine = ReturnType<typeof createQuarantine>;

/** Lists, reads, replays and deletes stored webhooks. */
export function createQuarantine(knex: Knex, options: AttemptOptions) {
  const attempt = oneLargeAtOnce(options);
  return {
    list: (query: QuarantineQuery) => listWebhooks(knex, query),
    get: (id: number, reserve: Reserve) => getWebhook(knex, options, id, reserve),
    replay: (id: number, reserve: Reserve) =>
      replayWebhook(options, id, (leased) => attempt(leased, reserve)),
    remove: (id: number) => removeWebhook(options, id),
  };
}

/** Stored webhooks by their ids, without their content. */
export async function webhooksByIds(knex: Knex, ids: number[]): Promise<Map<number, Summary>> {
  if (ids.length === 0) return new Map();
  const rows = (await selectSummaries(knex).whereIn('id', ids)) as unknown as Row[];
  return new Map(rows.map((row) => [row.id, present(row)]));
}

/** The stored webhooks without their content, the newest first. */
async function listWebhooks(knex: Knex, query: QuarantineQuery): Promise<Page<Summary>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const cursors = new Cursors<[number]>('quarantine', query, [isId]);
  const rows = await selectSummaries(knex)
    .modify((builder) => {
      if (query.account !== undefined) builder.where('account', query.account);
      if (query.state !== undefined) builder.where('state', query.state);
      if (cursors.after) builder.where('id', '<', cursors.after[0]);
    })
    .orderBy('id', 'desc')
    .limit(limit + 1);
  const listed = rows.slice(0, limit) as unknown as Row[];
  const last = rows.length > limit ? listed.at(-1) : undefined;
  return cursors.page(listed, last ? [last.id] : null, present);
}

function selectSummaries(knex: Knex) {
  return WebhookInboxEntry.query(knex)
    .select(SUMMARY)
    .select(knex.raw('coalesce(octet_length(body), object_bytes) as body_bytes'));
}

/** @throws {NotFoundError} there is no stored webhook with this id. */
async function getWebhook(
  knex: Knex,
  { store }: AttemptOptions,
  id: number,
  reserve: Reserve,
): Promise<Schema<'QuarantinedWebhookDetail'>> {
  const size = await WebhookInboxEntry.query(knex)
    .findById(id)
    .select(knex.raw(`coalesce(octet_length(body), ${MAX_INLINE_BYTES}) as bytes`));
  const { bytes = 0 } = (size ?? {}) as { bytes?: number };
  if (bytes > FREE_BYTES) await reserve(bytes);
  const row = size && (await WebhookInboxEntry.query(knex).findById(id));
  if (!row) throw new NotFoundError(`stored webhook ${id}`);
  const { target, headers, object_bytes } = row;
  const start = await readBody(store, row, MAX_INLINE_BYTES);
  const body_bytes = object_bytes ?? start.length;
  const isCut = start.length < body_bytes;
  const body = isCut ? withoutPartOfCharacter(start) : start;
  const isText = isUtf8(body);
  return {
    ...present(Object.assign(row, { body_bytes })),
    target: redactTarget(target),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: body.toString(isText ? 'utf8' : 'base64'),
    body_encoding: isText ? 'utf-8' : 'base64',
    body_truncated: isCut,
  };
}

/** The start of a body that may end in the middle of a character of UTF-8: without the bytes of this character. */
function withoutPartOfCharacter(start: Buffer): Buffer {
  const last = start.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  const whole = start.subarray(0, last);
  return isUtf8(whole) ? whole : start;
}

/**
 * Processes a stored webhook at once. A webhook whose effects are all committed is removed.
 *
 * @throws {NotFoundError} there is no stored webhook with this id.
 * @throws {ConflictError} a worker or another replay processes the webhook, or this replay failed.
 * @throws {UnavailableError} the database is unavailable, or this process replays another large webhook.
 */
async function replayWebhook(
  { pool }: AttemptOptions,
  id: number,
  attempt: (leased: Leased) => Promise<Processed>,
): Promise<Processed> {
  const leased = await leaseWebhook(pool, id);
  if (!leased) throw await absenceOf(pool, id);
  const processed = await attempt(leased);
  const { fault } = processed;
  if (!fault) return processed;
  const detail = `Stored webhook ${id} was not processed (${fault.reason}): ${fault.message}`;
  throw new ConflictError('webhook_not_processed', detail);
}

/** Attempts one large webhook at a time, as workers do: a large email needs several times its size. */
function oneLargeAtOnce(options: AttemptOptions) {
  let isBusy = false;
  return async (leased: Leased, reserve: Reserve): Promise<Processed> => {
    if (leased.object_id === null) return attemptWebhook(options, leased, reserve);
    if (isBusy) {
      await releaseWebhook(options.pool, leased);
      throw new UnavailableError('Another large webhook is being replayed.');
    }
    isBusy = true;
    try {
      return await attemptWebhook(options, leased, reserve);
    } finally {
      isBusy = false;
    }
  };
}

/**
 * @throws {NotFoundError} there is no stored webhook with this id.
 * @throws {ConflictError} a worker or a replay processes the webhook.
 */
async function removeWebhook({ pool, store, events }: AttemptOptions, id: number): Promise<void> {
  const { rows } = await execute<{ account: string; object_id: string | null }>(pool, DELETE, [id]);
  if (!rows[0]) throw await absenceOf(pool, id);
  await removeLargeBody(store, rows[0].object_id);
  events.webhookDeleted({ account: rows[0].account, id });
}

const EXISTS = { name: 'find-webhook', text: 'select from webhook_inbox where id = $1' };

async function absenceOf(pool: pg.Pool, id: number): Promise<NotFoundError | ConflictError> {
  const { rowCount } = await execute(pool, EXISTS, [id]);
  if (!rowCount) return new NotFoundError(`stored webhook ${id}`);
  return new ConflictError('webhook_in_progress', `Stored webhook ${id} is being processed.`);
}

function present({ received_at, last_received_at, next_attempt_at, leased, ...row }: Row): Summary {
  return {
    id: row.id,
    account: row.account,
    state: row.state,
    reason: row.reason,
    detail: row.detail,
    body_bytes: row.body_bytes,
    received_count: row.received_count,
    attempts: row.attempts,
    next_attempt_at: (!leased && next_attempt_at?.toISOString()) || null,
    received_at: received_at.toISOString(),
    last_received_at: last_received_at.toISOString(),
  };
}
