import type { Knex } from 'knex';

/** The ids that participants and conversations have in the application, and its metadata. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table participants
      add column external_id text,
      add column metadata jsonb not null default '{}';
    create index participants_external_id_idx on participants (external_id, id) where external_id is not null;

    -- Not "metadata": the previous version joins messages and conversations, and reads the metadata of messages without the
    -- name of their table.
    alter table conversations
      add column external_id text,
      add column own_metadata jsonb not null default '{}';
    -- Also of merged conversations, so that each has its own id again when it is separated.
    create unique index conversations_external_id_key on conversations (external_id) where external_id is not null;
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
