import type { Knex } from 'knex';

/** The accounts whose last event is `provider.unavailable`, so that several workers report one change once. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table unavailable_providers (
      name text primary key,
      since timestamptz(3) not null default clock_timestamp()
    );
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
