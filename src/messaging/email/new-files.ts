import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { IdempotencyKeyReusedError, InvalidRequestError } from '../../errors.ts';
import type { MediaStore } from '../../media/store.ts';
import { storeUpload } from '../../media/upload.ts';
import type { Reserve } from '../../openapi/types.ts';
import type { StoredFile } from '../../providers/routable.ts';
import { RecipientSuppressedError } from '../../refusals.ts';
import type { StoredMedia } from '../named-media.ts';
import type { NewMessage, Recorded } from '../recording/new-message.ts';
import type { Recorder } from '../recording/record.ts';
import type { NewFile } from './attachments.ts';

/** Where the files of requests are stored. */
export interface FileStorage {
  pool: pg.Pool;
  store: MediaStore;
}

/** The stored files of a message, and those that are to be stored; null if there are none. */
export function allFiles(
  media: readonly StoredMedia[] | null,
  newFiles: readonly NewFile[] = [],
): readonly StoredFile[] | null {
  if (newFiles.length === 0) return media;
  const added = newFiles.map(({ path, contentType, content }) => ({
    ...{ id: 0, content_type: contentType, size: content.length, path },
  }));
  return [...(media ?? []), ...added];
}

/**
 * Records a message after its files. A repeated request stores no files: it returns the first message, and what a concurrent repeat
 * has stored is removed, at the latest by the collection of unused files.
 *
 * @throws the errors of `Recorder.record`.
 */
export async function recordWithFiles(
  recorder: Recorder,
  storage: FileStorage,
  message: NewMessage,
  reserve: Reserve,
): Promise<Recorded> {
  const { newFiles = [], row } = message;
  if (newFiles.length === 0) return recorder.record(message, reserve);
  const first = await recorder.findFirst(message, reserve);
  if (first !== null) return first;
  const added: StoredMedia[] = [];
  for (const file of newFiles) added.push(await store(storage, file, row.actor));
  try {
    const media = [...(message.media ?? []), ...added];
    const recorded = await recorder.record({ ...message, media }, reserve);
    if (recorded.repeated) await remove(storage, added);
    return recorded;
  } catch (error) {
    if (isRefusal(error)) await remove(storage, added);
    throw error;
  }
}

async function store(storage: FileStorage, file: NewFile, actor: string | null): Promise<StoredMedia> {
  const { content, contentType, name } = file;
  const body = { contentType, length: content.length, parts: partsOf(content) };
  return (await storeUpload(storage, body, { name, channel: null, actor })) as StoredMedia;
}

async function* partsOf(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}

/** Whether the message was certainly not recorded. After any other error, its files are collected if they are not used. */
function isRefusal(error: unknown): boolean {
  return [InvalidRequestError, RecipientSuppressedError, IdempotencyKeyReusedError].some(
    (refusal) => error instanceof refusal,
  );
}

const REMOVE = {
  name: 'remove-new-files',
  text: 'delete from media where id = any($1) returning object_id',
};

/** Removes files that no message has; if this fails, they are collected later. */
async function remove({ pool, store: objects }: FileStorage, files: readonly StoredMedia[]): Promise<void> {
  try {
    const ids = files.map(({ id }) => id);
    const { rows } = await execute<{ object_id: string }>(pool, REMOVE, [ids]);
    await objects.remove(rows.map(({ object_id }) => object_id));
  } catch {
    // The message is refused or recorded already.
  }
}
