import type { Knex } from 'knex';

/** Webhooks that are not processed yet or could not be processed, and the opt-outs that providers report. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(WEBHOOK_INBOX + OPT_OUTS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const WEBHOOK_INBOX = `
  create table webhook_inbox (
    id bigint generated always as identity primary key,
    account text not null,
    -- pending: the worker processes the webhook; quarantined: only a replay does.
    state text not null check (state in ('pending', 'quarantined')),
    -- The path and query of the request, the headers that reading needs, and its body as received.
    target text not null,
    headers jsonb not null,
    body bytea not null,
    -- SHA-256 of target and body: a redelivery has the same digest.
    digest bytea not null,
    -- Why the last attempt before the quarantine failed; null before the first attempt.
    reason text,
    detail text,
    received_count integer not null default 1,
    received_at timestamptz(3) not null default now(),
    last_received_at timestamptz(3) not null default now(),
    -- The attempts of the worker and of replays. The number of an attempt identifies its lease.
    attempts integer not null default 0,
    leased boolean not null default false,
    -- While leased, the end of the lease; otherwise the time of the next attempt, null for a quarantined webhook.
    next_attempt_at timestamptz(3),
    constraint webhook_inbox_key unique (account, digest)
  );
  create index webhook_inbox_due_idx on webhook_inbox (next_attempt_at) where state = 'pending';
  create index webhook_inbox_account_idx on webhook_inbox (account, state, id);
`;

const OPT_OUTS = `
  -- The opt-outs and opt-ins that providers report. Nothing enforces them yet.
  create table opt_outs (
    id bigint generated always as identity primary key,
    account text not null,
    address text not null,
    -- The number or name that the address writes to; null if the provider does not report it.
    sender text,
    action text not null check (action in ('stop', 'start', 'help')),
    keyword text,
    source text not null check (source in ('webhook', 'send')),
    -- webhook: the id of the provider's message; send: the message that the provider refused.
    provider_message_id text,
    message_id bigint references messages,
    -- send: the number of the attempt, because a message that is sent again can be refused again.
    attempt integer,
    occurred_at timestamptz(3) not null default now(),
    constraint opt_outs_key unique nulls not distinct
      (account, source, provider_message_id, message_id, attempt, address, action)
  );
  create index opt_outs_address_idx on opt_outs (address, id);
  create index opt_outs_message_id_idx on opt_outs (message_id) where message_id is not null;
`;
