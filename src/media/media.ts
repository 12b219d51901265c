import type { Knex } from 'knex';
import type pg from 'pg';
import { NotFoundError } from '../errors.ts';
import type { Schema, StreamedBody } from '../openapi/types.ts';
import type { MediaLinks } from './links.ts';
import { Slots } from './slots.ts';
import type { MediaStore } from './store.ts';
import { storeUpload, type Upload } from './upload.ts';
import { MEDIA_COLUMNS, type MediaRow, presentMedia } from './view.ts';

/** Each upload has a chunk of 512 KiB in memory, and each download 256 KiB. */
const MAX_UPLOADS = 64;
const MAX_DOWNLOADS = 128;

export interface MediaOptions {
  knex: Knex;
  pool: pg.Pool;
  store: MediaStore;
  links: MediaLinks;
}

/** The content of a stored file, with the description that its download has. */
export interface StoredContent {
  object: string;
  contentType: string;
  size: number;
  sha256: Buffer;
  name: string | null;
}

interface FileRow {
  id: number;
  state: Schema<'MediaState'>;
  object_id: string;
  content_type: string;
  size: number;
  sha256: Buffer;
  name: string | null;
}

/** The files of messages, for requests. */
export class Media {
  readonly #options: MediaOptions;
  readonly #uploads = new Slots(MAX_UPLOADS, 'uploads');
  readonly #downloads = new Slots(MAX_DOWNLOADS, 'downloads');

  constructor(options: MediaOptions) {
    this.#options = options;
  }

  /** @throws {NotFoundError} */
  async get(id: number): Promise<Schema<'Media'>> {
    const row = await this.#options.knex<MediaRow>('media').where({ id }).first(MEDIA_COLUMNS);
    if (!row) throw new NotFoundError(`media ${id}`);
    return presentMedia(row, this.#options.links);
  }

  /**
   * Stores a file while it arrives.
   *
   * @throws {UnavailableError} if too many uploads run.
   * @throws the errors of `storeUpload`.
   */
  async upload(body: StreamedBody, upload: Upload): Promise<Schema<'Media'>> {
    using _slot = this.#uploads.take();
    return presentMedia(await storeUpload(this.#options, body, upload), this.#options.links);
  }

  /** @throws {NotFoundError} also if the file is not stored yet, or could not be fetched. */
  async file(id: number): Promise<StoredContent> {
    const row = await this.#options
      .knex<FileRow>('media')
      .where({ id })
      .first('state', 'object_id', 'content_type', 'size', 'sha256', 'name');
    if (!row) throw new NotFoundError(`media ${id}`);
    if (row.state !== 'stored') throw new NotFoundError(`content of media ${id}: its state is ${row.state}`);
    const { object_id: object, content_type: contentType, size, sha256, name } = row;
    return { object, contentType, size, sha256, name };
  }

  /**
   * The bytes of a file from `start` to before `end`.
   *
   * @throws {UnavailableError} if too many downloads run; before the first part.
   */
  async *read({ object }: StoredContent, start: number, end: number): AsyncGenerator<Buffer> {
    using _slot = this.#downloads.take();
    yield* this.#options.store.read(object, start, end);
  }

  /** Resolves when no upload runs any more, so that nothing of an upload that the end of its connection stopped is left. */
  async stop(): Promise<void> {
    await this.#uploads.idle();
  }
}
