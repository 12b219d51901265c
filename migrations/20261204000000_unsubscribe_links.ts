import type { Knex } from 'knex';

/** Emails by the links with which their recipients unsubscribe. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Names the email in its link to unsubscribe; null for an email without such a link. The link is in "headers".
    alter table emails add column unsubscribe_key uuid;
    create unique index emails_unsubscribe_key_idx on emails (unsubscribe_key) where unsubscribe_key is not null;
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
