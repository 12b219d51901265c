import type pg from 'pg';
import type { Message } from '../../db/models/message.ts';
import { execute } from '../../db/pools.ts';
import { IdempotencyKeyReusedError } from '../../errors.ts';
import type { Reserve } from '../../openapi/types.ts';
import { type PresentableMessage, whenRecorded } from '../message-view.ts';
import type { NewMessage } from './new-message.ts';
import type { Recorded } from './record.ts';

/** A longer body of a first message is read by its own request, within the limits of large responses. */
const SMALL_BODY = 65_536;

/** Two lookups, each by its index: by one condition or the other, all messages would be read. Exported for its test. */
export const FIND_EXISTING = {
  name: 'find-existing',
  text: `
    select existing.id, direction, type, "from", "to", cc, bcc, reply_to, subject, attachments, segments, metadata,
      "timestamp", existing.created_at, existing.provider, existing.provider_message_id, idempotency_key, request_hash,
      octet_length(body) as body_bytes, case when octet_length(body) <= ${SMALL_BODY} then body end as body,
      coalesce(conversations.merged_into_id, conversations.id) as conversation_id, send_at, expires_at
    from (
      select * from messages where idempotency_key = any($1::text[])
      union all
      select messages.* from unnest($2::text[], $3::text[]) as repeat(provider, provider_message_id)
      join messages using (provider, provider_message_id)
      where direction = 'inbound'
    ) as existing
    join conversations on conversations.id = existing.conversation_id
    left join deliveries on message_id = existing.id`,
};

/** A first message; its body is null where that is large. */
export interface Repeated {
  repeated: true;
  message: Omit<PresentableMessage, 'body'> & { body: string | null };
  bodyBytes: number;
}
type Found = Map<NewMessage, Repeated | IdempotencyKeyReusedError>;

/** The first messages of these repeats; one that was deleted meanwhile is left out. */
export async function findExisting(pool: pg.Pool, repeats: NewMessage[]): Promise<Found> {
  if (repeats.length === 0) return new Map();
  const inbound = repeats.filter(({ row }) => row.direction === 'inbound');
  const { rows } = await execute<Existing>(pool, FIND_EXISTING, [
    repeats.flatMap(({ row }) => row.idempotency_key ?? []),
    inbound.map(({ row }) => row.provider),
    inbound.map(({ row }) => row.provider_message_id),
  ]);
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const found: Found = new Map();
  for (const repeat of repeats) {
    const message = byKey.get(keyOf(repeat.row));
    if (!message) continue;
    const isSame = message.direction === 'inbound' || message.request_hash === repeat.row.request_hash;
    found.set(
      repeat,
      isSame
        ? { repeated: true, message: asFirstAnswered(message), bodyBytes: message.body_bytes }
        : new IdempotencyKeyReusedError(),
    );
  }
  return found;
}

type Existing = Omit<Message, 'body'> &
  Pick<PresentableMessage, 'send_at' | 'expires_at'> & { body: string | null; body_bytes: number };
type Keyed = Pick<Message, 'direction' | 'idempotency_key' | 'provider' | 'provider_message_id'>;

function keyOf(row: Keyed): string {
  return JSON.stringify(
    row.direction === 'inbound' ? [row.provider, row.provider_message_id] : row.idempotency_key,
  );
}

/** A repeat is given the first answer again, whatever has become of the message since. */
function asFirstAnswered(row: Existing): Repeated['message'] {
  const status = firstStatusOf(row);
  return { ...row, status, ...whenRecorded(status, row) };
}

const FIND_BODY = { name: 'find-body', text: 'select body from messages where id = $1' };

/** The same, with its body; null where the message was deleted meanwhile. */
export async function withBody(pool: pg.Pool, found: Repeated, reserve: Reserve): Promise<Recorded | null> {
  let { body } = found.message;
  if (body === null) {
    await reserve(found.bodyBytes);
    const { rows } = await execute<{ body: string }>(pool, FIND_BODY, [found.message.id]);
    body = rows[0]?.body ?? null;
  }
  return body === null ? null : { repeated: true, message: { ...found.message, body } };
}

function firstStatusOf({ direction, send_at, created_at }: Existing): PresentableMessage['status'] {
  if (direction === 'inbound') return 'received';
  return send_at !== null && send_at > created_at ? 'scheduled' : 'queued';
}
