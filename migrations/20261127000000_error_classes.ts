import type { Knex } from 'knex';

/** What the error of an attempt means (`ErrorClass` in openapi.yaml); null for an accepted message. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table delivery_attempts add column class text');
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
