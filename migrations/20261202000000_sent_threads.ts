import type { Knex } from 'knex';

/** The thread of an outbound email as its calls have it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table emails
      -- Outbound: In-Reply-To and References of every call, oldest first. Null before the first claim, and for an email without a thread.
      add column sent_in_reply_to text,
      add column sent_reference_ids text[];
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
