import type pg from 'pg';
import type { Channel } from '../channel.ts';
import { execute } from '../db/transaction.ts';
import { InvalidRequestError, PayloadTooLargeError, UnsupportedMediaTypeError } from '../errors.ts';
import type { StreamedBody } from '../openapi/types.ts';
import type { MediaStore, StoredObject } from './store.ts';
import { isTextMessageType } from './types.ts';
import { MEDIA_COLUMNS, type MediaRow } from './view.ts';

/** The parameters of an upload. */
export interface Upload {
  name: string | null;
  /** A file that no message of the channel can have is refused; null: any file is stored. */
  channel: Channel | null;
  /** The name of the API key; null without API keys. */
  actor: string | null;
}

/** The max size of a message with pictures at most carriers and providers. */
const TEXT_MESSAGE_BYTES = 5_000_000;

const INSERT = {
  name: 'insert-uploaded-media',
  text: `
    insert into media (state, object_id, content_type, size, sha256, name, actor)
    values ('stored', $1, $2, $3, $4, $5, $6)
    returning ${MEDIA_COLUMNS.join(', ')}`,
};

/**
 * Stores a file while it arrives, and then its description. If the description cannot be stored, the content is removed later
 * (`collect.ts`).
 *
 * @throws {UnsupportedMediaTypeError} if the channel does not have files of this type.
 * @throws {PayloadTooLargeError} if the file is too large for the channel, also while it arrives.
 * @throws {InvalidRequestError} if the file is empty.
 */
export async function storeUpload(
  { pool, store }: { pool: pg.Pool; store: MediaStore },
  body: StreamedBody,
  upload: Upload,
): Promise<MediaRow> {
  if (upload.channel === 'sms') assertFits(body);
  if (body.length === 0) throw emptyFile();
  const object = await store.write(upload.channel === 'sms' ? atMost(body.parts) : body.parts);
  if (object.size === 0) {
    await store.remove([object.id]);
    throw emptyFile();
  }
  const { rows } = await execute<MediaRow>(pool, INSERT, valuesOf(object, body.contentType, upload));
  return rows[0] as MediaRow;
}

function valuesOf({ id, size, sha256 }: StoredObject, contentType: string, { name, actor }: Upload) {
  return [id, contentType, size, sha256, name, actor];
}

function assertFits({ contentType, length }: StreamedBody): void {
  if (!isTextMessageType(contentType))
    throw new UnsupportedMediaTypeError(`An SMS or MMS cannot have a file of the type ${contentType}.`);
  if (length !== null && length > TEXT_MESSAGE_BYTES) throw new PayloadTooLargeError(TEXT_MESSAGE_BYTES);
}

async function* atMost(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const part of parts) {
    size += part.length;
    if (size > TEXT_MESSAGE_BYTES) throw new PayloadTooLargeError(TEXT_MESSAGE_BYTES);
    yield part;
  }
}

function emptyFile(): InvalidRequestError {
  return new InvalidRequestError([{ path: '/body', message: 'has no bytes' }]);
}
