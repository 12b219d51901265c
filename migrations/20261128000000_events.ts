import type { Knex } from 'knex';

/** The feed: everything that happens, in the order of positions. The functions that write it are in src/db/functions/feed. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(EVENTS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const EVENTS = `
  -- Events of committed changes that have no position yet. Rows are inserted in the transaction of the change.
  create table event_inbox (
    id bigint generated always as identity primary key,
    type text not null,
    -- The message, conversation or participant that the type names; null for other subjects.
    subject_id bigint,
    conversation_id bigint,
    -- The fields that changed, as the API names them.
    changes jsonb,
    created_at timestamptz(3) not null default clock_timestamp()
  )
  -- Every row is deleted soon, so that a vacuum removes the rows of some seconds.
  with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

  -- Partitions of 1,000,000 positions, which sequence_events creates and the retention drops.
  create table events (
    -- The position in the feed.
    id bigint not null primary key,
    type text not null,
    subject_id bigint,
    conversation_id bigint,
    changes jsonb,
    created_at timestamptz(3) not null
  ) partition by range (id);
  create index events_conversation_id_idx on events (conversation_id, id) where conversation_id is not null;

  -- One row.
  create table feed_state (
    only_row boolean primary key default true check (only_row),
    last_position bigint not null default 0,
    -- Every event with at most this id in the inbox has a position already, except in the gaps. Scans of the inbox start here,
    -- because an old transaction keeps the deleted rows.
    inbox_floor bigint not null default 0,
    -- Ids below the floor whose events are not committed yet, or were rolled back.
    inbox_gaps int8multirange not null default '{}',
    -- Gaps that stay empty once all transactions before old_gaps_xid have ended. Without an xid, there are none.
    old_gaps int8multirange not null default '{}',
    old_gaps_xid xid8
  );
  insert into feed_state default values;

  -- An event for each change of a delivery's status, by whichever statement. A retry by the service itself, from sending to
  -- queued, is no event.
  create function append_status_events() returns trigger
  language plpgsql
  set search_path from current as $$
  begin
    insert into event_inbox (type, subject_id, conversation_id, changes)
    select 'message.' || after.status, message_id, after.conversation_id,
      jsonb_build_object('status', after.status, 'error', after.error, 'provider', after.provider,
        'provider_message_id', after.provider_message_id, 'updated_at', after.updated_at)
    from rows_after as after join rows_before as before using (message_id)
    where after.status <> before.status and after.status not in ('scheduled', 'sending')
      and (after.status <> 'queued' or before.status <> 'sending')
    order by message_id;
    return null;
  end $$;
  create trigger append_status_events after update on deliveries
    referencing old table as rows_before new table as rows_after
    for each statement execute function append_status_events();
`;
