import type pg from 'pg';
import type { UrlFile } from '../../db/models/email.ts';
import { execute } from '../../db/transaction.ts';
import type { MediaClient } from '../../media/fetching/client.ts';
import { permanent, tooLarge } from '../../media/fetching/failure.ts';
import { nameOf } from '../../media/fetching/name.ts';
import { decoded, transfer } from '../../media/fetching/transfer.ts';
import type { MediaStore } from '../../media/store.ts';
import { mediaTypeOf } from '../../media/types.ts';
import { LAST_POSITION } from '../../media/view.ts';
import type { FetchedFile } from '../claim.ts';

export interface FetchContext {
  pool: pg.Pool;
  store: MediaStore;
  client: MediaClient;
}

/** The file behind a URL of a message. */
export interface Attachment {
  messageId: number;
  /** The position of the URL in `attachments`, from 1. */
  number: number;
  url: string;
  /** What the client says about the file; null if nothing. */
  given: UrlFile | null;
}

/** Each further part of this number of bytes must arrive within this time. */
const PACE = { partBytes: 16_384, partMs: 10_000 };
/** A URL of a client gets neither credentials nor the trust of an account. */
const UNTRUSTED = { origin: '', mediaHeaders: () => null };
const UNKNOWN_TYPE = 'application/octet-stream';
const UNIQUE_VIOLATION = '23505';

const ADD = {
  name: 'add-fetched-attachment',
  text: `
    with kept as (
      select from messages where id = $1 and redacted_at is null for share
    ), added as (
      insert into media (state, object_id, content_type, size, sha256, name, source_url)
      select 'stored', $3::uuid, $4, $5::bigint, $6::bytea, $7, $8 from kept returning id
    )
    insert into message_media (message_id, position, media_id) select $1, $2, id from added`,
};
const FIND = {
  name: 'find-fetched-attachment',
  text: `
    select object_id, content_type, size, media.name from message_media join media on media.id = media_id
    where message_id = $1 and position = $2`,
};

/**
 * Fetches the file behind a URL once, and stores it with the message, so that every later attempt sends the same bytes.
 *
 * @throws {FetchFailure} if the file could not be fetched; any other error is of the store or the database, or the reason of
 *   `signal` if most of the time went into the store.
 */
export async function fetchAttachment(
  { pool, store, client }: FetchContext,
  { messageId, number, url, given }: Attachment,
  maxBytes: number,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const startedAt = performance.now();
  const storing = { ms: 0 };
  const { headers, body } = await client.open(url, UNTRUSTED, signal);
  try {
    if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
    const file = decoded(body, headers['content-encoding']);
    const { id, size, sha256 } = await store.write(
      untilAborted(transfer(file, { ...PACE, maxBytes }), storing, signal),
    );
    const type = mediaTypeOf(given?.content_type) ?? mediaTypeOf(headers['content-type']) ?? UNKNOWN_TYPE;
    const name = nameOf(headers, null, url);
    const position = LAST_POSITION + number;
    try {
      const { rowCount } = await execute(pool, ADD, [messageId, position, id, type, size, sha256, name, url]);
      if (rowCount === 0) throw permanent('not_found', 'The content of the message was erased.');
    } catch (error) {
      await store.remove([id]).catch(() => undefined);
      if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
      // Another worker, whose lease has ended, has stored the file.
      const { rows } = await execute<FetchedFile>(pool, FIND, [messageId, position]);
      return { ...(rows[0] as FetchedFile), number };
    }
    return { number, object_id: id, content_type: type, size, name };
  } catch (error) {
    if (signal.aborted && storing.ms > (performance.now() - startedAt) / 2) throw signal.reason;
    throw error;
  } finally {
    body.destroy();
  }
}

/**
 * The parts, and the time for which the store processes them. If the signal is aborted meanwhile, the error is its reason and not a
 * failure of the server.
 */
async function* untilAborted(
  parts: AsyncIterable<Buffer>,
  storing: { ms: number },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  for await (const part of parts) {
    const startedAt = performance.now();
    yield part;
    storing.ms += performance.now() - startedAt;
    signal.throwIfAborted();
  }
}
