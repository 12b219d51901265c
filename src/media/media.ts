import type { Knex } from 'knex';
import type { Channel } from '../channel.ts';
import { NotFoundError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { MediaLinks } from './links.ts';
import type { MediaStore } from './store.ts';
import { type MediaRow, presentMedia } from './view.ts';

/** What a client says about a file that it uploads. */
export interface Upload {
  contentType: string;
  name: string | null;
  /** Refuses what no message of the channel can have; null: not checked. */
  channel: Channel | null;
  /** The name of the API key; null without API keys. */
  actor: string | null;
}

export interface MediaOptions {
  knex: Knex;
  store: MediaStore;
  links: MediaLinks;
}

/** The files of messages, for requests. */
export class Media {
  readonly #knex: Knex;
  readonly #links: MediaLinks;

  constructor({ knex, links }: MediaOptions) {
    this.#knex = knex;
    this.#links = links;
  }

  /** @throws {NotFoundError} */
  async get(id: number): Promise<Schema<'Media'>> {
    const row = await this.#knex<MediaRow>('media')
      .where({ id })
      .first('id', 'state', 'content_type', 'size', 'name', 'error', 'created_at');
    if (!row) throw new NotFoundError(`media ${id}`);
    return presentMedia(row, this.#links);
  }
}
