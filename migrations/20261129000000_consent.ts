import type { Knex } from 'knex';

/** The ledger of suppressions. The functions that change it are in src/db/functions/consent. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(LEDGER + REQUESTS + MESSAGES);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const REASONS = `('stop_keyword', 'provider_opt_out', 'complaint', 'hard_bounce', 'manual', 'unsubscribe')`;

const LEDGER = `
  -- Proves that a process has the key of the ledger.
  create table consent_key (
    id boolean primary key default true check (id),
    -- The hash of a constant text with CONSENT_KEY.
    fingerprint bytea not null
  );

  -- The addresses that must not get messages.
  create table suppressions (
    id bigint generated always as identity primary key,
    -- HMAC-SHA256 of the normalised address with CONSENT_KEY.
    address_hash bytea not null check (octet_length(address_hash) = 32),
    -- Null if the address was erased.
    address text,
    channel text not null check (channel in ('sms', 'email')),
    scope text not null check (scope in ('all', 'channel', 'sender')),
    -- The number, name or email address from which nothing may be sent, in lower case.
    sender text,
    -- The strongest reason first (add_reason).
    reasons text[] not null check (reasons <> '{}'),
    -- Where the first of the reasons comes from.
    message_id bigint references messages on delete set null,
    receipt_id bigint references delivery_receipts on delete set null,
    account text,
    -- The API key.
    actor text,
    note text,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    constraint suppressions_key unique nulls not distinct (address_hash, scope, sender),
    check ((scope = 'sender') = (sender is not null))
  );
  -- Lists by filters (src/consent/list.ts).
  create index suppressions_list_idx on suppressions (channel, scope, (reasons[1]), id);
  create index suppressions_sender_idx on suppressions (sender, channel, (reasons[1]), id) where sender is not null;
  create index suppressions_message_id_idx on suppressions (message_id) where message_id is not null;
  create index suppressions_receipt_id_idx on suppressions (receipt_id) where receipt_id is not null;

  -- The history of the ledger: one row for each reason that was added or removed.
  create table suppression_changes (
    id bigint generated always as identity primary key,
    -- The entry, which may be removed.
    suppression_id bigint not null,
    address_hash bytea not null,
    address text,
    channel text not null,
    scope text not null,
    sender text,
    change text not null check (change in ('added', 'removed')),
    reason text not null check (reason in ${REASONS}),
    -- The reasons of the entry after the change; empty if the entry was removed.
    reasons text[] not null,
    message_id bigint references messages on delete set null,
    receipt_id bigint references delivery_receipts on delete set null,
    account text,
    actor text,
    note text,
    created_at timestamptz(3) not null default now()
  );
  create index suppression_changes_address_idx on suppression_changes (address_hash, id);
  create index suppression_changes_message_id_idx on suppression_changes (message_id) where message_id is not null;
  create index suppression_changes_receipt_id_idx on suppression_changes (receipt_id) where receipt_id is not null;
`;

const REQUESTS = `
  -- opt_outs has the requests of recipients; each changes the ledger once.
  alter table opt_outs
    -- Null until the request has changed the ledger. The functions of the previous version leave it null.
    add column applied_at timestamptz(3),
    -- Whether the service answers the request with an automatic reply.
    add column is_answered boolean not null default false,
    drop constraint opt_outs_source_check,
    -- message: the keyword of an inbound message, which message_id names.
    add constraint opt_outs_source_check check (source in ('message', 'webhook', 'send'));
  create index opt_outs_unapplied_idx on opt_outs (id) where applied_at is null;
  create index opt_outs_answered_idx on opt_outs (address, occurred_at) where is_answered;
`;

const MESSAGES = `
  -- Null for inbound messages, and for outbound messages of the previous version, which are conversational.
  alter table messages
    add column purpose text,
    -- Not valid, so that the migration does not read the table: older rows have no purpose.
    add constraint messages_purpose_check
      check (purpose in ('conversational', 'transactional', 'marketing', 'consent')) not valid;

  alter table deliveries
    -- The hashes of the recipients in "to", cc and bcc, in this order (suppressions.address_hash). Null for a message of the
    -- previous version, until a background task has computed them; such a message is not claimed.
    add column recipient_hashes bytea[];
  create index deliveries_unhashed_idx on deliveries (message_id)
    where recipient_hashes is null and status in ('scheduled', 'queued', 'sending');

  -- A recipient who was suppressed before any account accepted the message.
  alter table delivery_recipients alter column provider drop not null;
`;
