import type { Knex } from 'knex';

/**
 * The copies of inbound messages that a provider delivers once for each of our numbers, so that they become one message:
 * `first_id` is the id of the message. Only the latest copies are kept.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table inbound_copies (
      provider text not null,
      provider_message_id text not null,
      copy_key text not null,
      recipient text not null,
      first_id text not null,
      received_at timestamptz(3) not null,
      created_at timestamptz(3) not null default clock_timestamp(),
      primary key (provider, provider_message_id)
    );
    create index on inbound_copies (provider, copy_key, received_at);
    create index on inbound_copies (created_at);
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
