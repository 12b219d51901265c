import type { Knex } from 'knex';

/** Large bodies of stored webhooks, such as emails with files, are in the media store, so that a row stays small. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table webhook_inbox
      alter column body drop not null,
      add column object_id uuid references media_objects,
      -- The size of the object.
      add column object_bytes int,
      add constraint webhook_inbox_body_check check (num_nonnulls(body, object_id) = 1),
      add constraint webhook_inbox_object_check check ((object_id is null) = (object_bytes is null));
    create unique index webhook_inbox_object_id_idx on webhook_inbox (object_id) where object_id is not null;
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
