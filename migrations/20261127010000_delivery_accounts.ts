import type { Knex } from 'knex';

/**
 * The accounts that can send a message, where not every account of the channel can: the message is assigned to the first, and
 * only the others of the list may take it over. The functions of the previous version ignore the list.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- In the configured order; null if every account of the channel can send the message.
    alter table deliveries add column accounts text[];
    -- Deliveries that another account than the assigned account may take over, by the list. Without this index, a claim would
    -- read all deliveries that only unavailable accounts can send.
    create index deliveries_reassignable_idx on deliveries (
      channel, provider, (attempt_count > 0), coalesce(accounts, '{}'), next_attempt_at)
      where status = 'queued' and not may_have_been_sent and next_attempt_at is not null and provider is not null
        and (accounts is null or cardinality(accounts) > 1)`);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}
