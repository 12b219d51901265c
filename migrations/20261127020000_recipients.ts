import type { Knex } from 'knex';

/** A status for each recipient, and receipts that name a recipient, a delivery key or a key of their own. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(RECIPIENTS + RECEIPTS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const RECIPIENTS = `
  -- The recipients of a message, once a receipt names one of them or the provider gives each an id of its own. Without rows,
  -- each recipient has the status of the message.
  create table delivery_recipients (
    message_id bigint not null references deliveries on delete cascade,
    -- The position in "to", cc and bcc, from 1.
    position smallint not null,
    address text not null,
    status text not null check (status in ('sent', 'delivered', 'undelivered', 'failed')),
    error jsonb,
    -- The account that accepted the message.
    provider text not null,
    -- The provider's id for this recipient; null if the provider has only one id for the message.
    provider_message_id text,
    updated_at timestamptz(3) not null default now(),
    primary key (message_id, position)
  );
  create index delivery_recipients_provider_message_id_idx on delivery_recipients (provider, provider_message_id)
    where provider_message_id is not null;
`;

const RECEIPTS = `
  -- Null for a receipt that names its message by the delivery key only.
  alter table delivery_receipts alter column provider_message_id drop not null;
  alter table delivery_receipts
    -- The normalised address that the receipt names; null for a receipt of the whole message.
    add column recipient text,
    -- The delivery key that the receipt names.
    add column delivery_key uuid,
    -- Identifies the receipt instead of the provider's id, the recipient and the status.
    add column dedupe_key text,
    add column bounce text check (bounce in ('hard', 'soft')),
    add constraint delivery_receipts_identity check (provider_message_id is not null or dedupe_key is not null),
    drop constraint delivery_receipts_key;
  -- The functions of the previous version store receipts without a recipient and a key, which stay unique.
  create unique index delivery_receipts_key on delivery_receipts (provider, provider_message_id, status, recipient, dedupe_key)
    nulls not distinct;
  create unique index delivery_receipts_dedupe_key on delivery_receipts (provider, dedupe_key) where dedupe_key is not null;
`;
