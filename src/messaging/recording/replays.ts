import type pg from 'pg';
import type { Message } from '../../db/models/message.ts';
import { execute } from '../../db/transaction.ts';
import { IdempotencyKeyReusedError } from '../../errors.ts';
import { mediaOf } from '../../media/view.ts';
import type { Reserve } from '../../openapi/types.ts';
import { RecipientSuppressedError } from '../../refusals.ts';
import { type EmailRow, emailOf, emailSize } from '../email/view.ts';
import { initialState, type PresentableMessage } from '../message-view.ts';
import type { NewMessage, Recorded } from './new-message.ts';

/** Maximum bytes of a body that `FIND_EXISTING` reads. `withBody` reads a larger body within the response budget. */
const SMALL_BODY = 65_536;

/**
 * Finds the first messages of repeats. Two queries, because each uses its index; one query with `or` would read all messages.
 * Exported for a test of its plan.
 */
export const FIND_EXISTING = {
  name: 'find-existing',
  text: `
    select existing.id, direction, type, "from", "to", cc, bcc, reply_to, subject, attachments, segments,
      existing.metadata, purpose, actor, traceparent, "timestamp", existing.created_at, redacted_at, existing.provider, existing.provider_message_id,
      api_key_name, idempotency_key, operation, request_hash,
      octet_length(body) + ${emailSize('existing')} as body_bytes,
      case when octet_length(body) + ${emailSize('existing')} <= ${SMALL_BODY} then body end as body,
      case when octet_length(body) + ${emailSize('existing')} <= ${SMALL_BODY} then ${emailOf('existing')} end as email,
      coalesce(conversations.merged_into_id, conversations.id) as conversation_id, send_at,
      -- The first response to a webhook does not have the files, which are to be fetched then.
      case when direction = 'outbound' then ${mediaOf('existing')} end as media,
      -- The recipients who were suppressed when the message was recorded.
      case when direction = 'outbound' and cardinality("to" || cc || bcc) > 1 then (
        select json_agg(recipient) from delivery_recipients as recipient
        where message_id = existing.id and recipient.provider is null and recipient.updated_at = existing.created_at
      ) end as recipients,
      -- A manual retry can extend the life of a message.
      coalesce((
        select from_expires_at from delivery_actions
        where message_id = existing.id and action = 'retry' order by id limit 1), expires_at) as expires_at
    from (
      select messages.*, api_key_name, key as idempotency_key, operation, request_hash
      from unnest($1::text[], $2::text[]) as repeat(api_key_name, key)
      join idempotency_keys using (api_key_name, key) join messages on messages.id = message_id
      union all
      select messages.*, null, null, null, null
      from unnest($3::text[], $4::text[]) as repeat(provider, provider_message_id)
      join messages using (provider, provider_message_id)
      where direction = 'inbound'
    ) as existing
    join conversations on conversations.id = existing.conversation_id
    left join deliveries on message_id = existing.id`,
};

/** The first message of a repeat; the body is null if it is larger than `SMALL_BODY`. */
export interface Repeated {
  repeated: true;
  message: Omit<PresentableMessage, 'body'> & { body: string | null };
  bodyBytes: number;
}
type Found = Map<NewMessage, Repeated | IdempotencyKeyReusedError>;

/** The first messages of repeats. Omits messages that were deleted. */
export async function findExisting(pool: pg.Pool, repeats: NewMessage[]): Promise<Found> {
  if (repeats.length === 0) return new Map();
  const inbound = repeats.filter(({ row }) => row.direction === 'inbound');
  const { rows } = await execute<Existing>(pool, FIND_EXISTING, [
    repeats.flatMap(({ idempotency }) => idempotency?.apiKeyName ?? []),
    repeats.flatMap(({ idempotency }) => idempotency?.key ?? []),
    inbound.map(({ row }) => row.provider),
    inbound.map(({ row }) => row.provider_message_id),
  ]);
  const byKey = new Map(
    rows.map((row) => [
      row.direction === 'inbound' ? providerKey(row) : clientKey(row.api_key_name, row.idempotency_key),
      row,
    ]),
  );
  const found: Found = new Map();
  for (const repeat of repeats) {
    const { row, idempotency } = repeat;
    const message = byKey.get(
      idempotency ? clientKey(idempotency.apiKeyName, idempotency.key) : providerKey(row),
    );
    if (!message) continue;
    const isSame =
      !idempotency || (message.operation === 'send' && message.request_hash === idempotency.requestHash);
    found.set(
      repeat,
      isSame
        ? { repeated: true, message: asFirstPresented(message), bodyBytes: message.body_bytes }
        : new IdempotencyKeyReusedError(),
    );
  }
  return found;
}

type Existing = Omit<Message, 'body'> &
  Pick<PresentableMessage, 'send_at' | 'expires_at' | 'recipients' | 'media' | 'email'> & {
    body: string | null;
    body_bytes: number;
  } & {
    api_key_name: string;
    idempotency_key: string;
    operation: string;
    request_hash: string | null;
  };

function clientKey(apiKeyName: string, key: string): string {
  return JSON.stringify(['client', apiKeyName, key]);
}

function providerKey({
  provider,
  provider_message_id,
}: Pick<Message, 'provider' | 'provider_message_id'>): string {
  return JSON.stringify(['provider', provider, provider_message_id]);
}

/** The message as in the first response. Later changes of its delivery are not shown. */
function asFirstPresented(row: Existing): Repeated['message'] {
  return { ...row, ...initialState(row) };
}

const FIND_BODY = {
  name: 'find-body',
  text: `select body, ${emailOf('messages')} as email from messages where id = $1`,
};

/** An email as in the first response, before its Message-ID on the wire was known. */
function asRecorded(email: EmailRow | null): EmailRow | null {
  return email && { ...email, wire_message_id: null };
}

/** Adds the body of a first message; null if the message was deleted. */
export async function withBody(pool: pg.Pool, found: Repeated, reserve: Reserve): Promise<Recorded | null> {
  const { body, email } = found.message;
  if (body !== null) return { repeated: true, message: { ...found.message, body, email: asRecorded(email) } };
  await reserve(found.bodyBytes);
  const { rows } = await execute<{ body: string; email: EmailRow | null }>(pool, FIND_BODY, [
    found.message.id,
  ]);
  const [read] = rows;
  if (!read) return null;
  return { repeated: true, message: { ...found.message, body: read.body, email: asRecorded(read.email) } };
}

/** The first message with the key of a request; null without one. */
export async function findFirst(
  pool: pg.Pool,
  message: NewMessage,
  reserve: Reserve,
): Promise<Recorded | null> {
  if (message.idempotency === null) return null;
  const found = (await findExisting(pool, [message])).get(message);
  if (found instanceof Error) throw found;
  return found ? withBody(pool, found, reserve) : null;
}

/** A message that was not stored before. */
interface New {
  repeated: false;
  message: PresentableMessage;
}

/** A stored message; null for a repeat of a message that was stored before. */
export type Result = PresentableMessage | null | RecipientSuppressedError;

/**
 * Adds the first messages of repeats to the results; null for a repeat whose first message was deleted. A message that the ledger
 * refuses can be a repeat. The batch is already committed, so an error of this function fails the repeats only.
 */
export async function withRepeats(
  pool: pg.Pool,
  messages: NewMessage[],
  results: (Result | Error)[],
): Promise<(New | Repeated | null | Error)[]> {
  const isRepeat = (result: unknown, { idempotency }: NewMessage) =>
    result === null || (result instanceof RecipientSuppressedError && idempotency !== null);
  const repeats = messages.filter((message, index) => isRepeat(results[index], message));
  const existing = await findExisting(pool, repeats).catch((error: Error) => error);
  return messages.map((message, index) => {
    const result = results[index] as Result | Error;
    if (isRepeat(result, message)) {
      if (existing instanceof Error) return existing;
      return existing.get(message) ?? (result as Error | null);
    }
    return result instanceof Error ? result : { repeated: false, message: result as PresentableMessage };
  });
}
