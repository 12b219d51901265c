import type { Knex } from 'knex';

/** Distinguishes receipts about one recipient from receipts about all recipients. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The receipt is about one recipient, also if it names none.
    alter table delivery_receipts add column of_one boolean not null default false;
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
