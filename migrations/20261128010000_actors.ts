import type { Knex } from 'knex';

/** Who sent a message or changed its delivery, and the trace of its request. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The name of the API key; null without API keys, and for an inbound message.
    alter table messages add column actor text;
    -- The W3C trace context of the request.
    alter table messages add column traceparent text;
    alter table delivery_actions add column actor text;
  `);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
