import type { Knex } from 'knex';

/** The erasure of people and of the content of messages. The functions are in src/db/functions/privacy. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(ERASURES);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const ERASURES = `
  create table erasures (
    id bigint generated always as identity primary key,
    -- The participant of the request, and all participants that it erases, with their addresses until the erasure is completed.
    participant_id bigint not null,
    participant_ids bigint[] not null check (participant_ids <> '{}'),
    addresses text[],
    -- The last message before the participants lost their addresses. Later ones belong to other participants, and are not erased.
    last_message_id bigint,
    -- Whether the request was for all addresses of the person.
    person boolean not null,
    state text not null default 'running' check (state in ('running', 'completed')),
    -- The present step, the row at which it is, and the last row of its own that is done, for example a conversation and a message.
    step text not null,
    position bigint not null default 0,
    inner_position bigint,
    -- Whether the step has to wait, for example for a call to a provider.
    waits boolean not null default false,
    -- What was erased so far, by kind.
    counts jsonb not null default '{}',
    -- The API key of the request.
    actor text,
    requested_at timestamptz(3) not null default clock_timestamp(),
    completed_at timestamptz(3),
    check ((state = 'completed') = (completed_at is not null)),
    check ((state = 'completed') = (addresses is null))
  );
  create index erasures_running_idx on erasures (id) where state = 'running';

  alter table participants
    add column erased_at timestamptz(3),
    add column erasure_id bigint references erasures;

  -- When the content of the message was erased.
  alter table messages add column redacted_at timestamptz(3);

  -- One row. The version changes with each erasure of content, so that processes know that they have to empty their caches.
  create table erased_content (
    only_row boolean primary key default true check (only_row),
    version bigint not null default 0
  );
  insert into erased_content default values;

  create index events_error_detail_idx on events (subject_id)
    where conversation_id is not null and changes #>> '{error,detail}' is not null;
  -- The events of participants and of the ledger.
  create index events_subject_id_idx on events (subject_id) where conversation_id is null;
  -- Receipts without a message are few; an erasure reads all of them.
  create index delivery_receipts_unassigned_idx on delivery_receipts (id) where message_id is null;
  -- The index of the search does not have this address.
  create index messages_reply_to_idx on messages (reply_to, id) where reply_to is not null;
`;
