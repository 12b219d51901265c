import type { KeyedConfig } from '../config/config.ts';
import type { Database } from '../db/pools.ts';
import { MediaLinks } from '../media/links.ts';
import { Media } from '../media/media.ts';
import { createPostgresStore } from '../media/postgres-store.ts';

/** The links to files, with the keys of the configuration. */
export function linksOf({
  secretKeys,
  publicUrl,
}: Pick<KeyedConfig, 'secretKeys' | 'publicUrl'>): MediaLinks {
  return new MediaLinks(secretKeys, publicUrl);
}

/** The files of messages, for requests. Disposal of the stack waits for uploads. */
export function createMedia({ knex, pool }: Database, links: MediaLinks, stack: AsyncDisposableStack): Media {
  const media = new Media({ knex, pool, links, store: createPostgresStore(pool) });
  stack.defer(() => media.stop());
  return media;
}
