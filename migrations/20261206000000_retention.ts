import type { Knex } from 'knex';

/** Redacted messages, removed files, and the retention of messages. The functions are in src/db/functions/privacy. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(REDACTION + MEDIA + RETENTION);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const REDACTION = `
  -- Not valid, so that the migration does not read the tables: every older row satisfies the constraints.
  alter table idempotency_keys
    drop constraint idempotency_keys_operation_check,
    add constraint idempotency_keys_operation_check
      check (operation in ('send', 'cancel', 'retry', 'redact')) not valid;
  -- An inbound message, which has no delivery, can be redacted too.
  alter table delivery_actions
    drop constraint delivery_actions_action_check,
    add constraint delivery_actions_action_check check (action in ('cancel', 'retry', 'redact')) not valid,
    drop constraint delivery_actions_message_id_fkey,
    add constraint delivery_actions_message_id_fkey foreign key (message_id) references messages not valid;
`;

const MEDIA = `
  -- removed: the file was erased. Its type and size stay.
  alter table media
    drop constraint media_state_check,
    add constraint media_state_check check (state in ('pending', 'stored', 'failed', 'removed')) not valid,
    drop constraint media_check3,
    add constraint media_source_check check (state in ('stored', 'removed') or source_url is not null) not valid;

  -- The objects of removed files. They are removed from the store after the commit, also if the process ends before that.
  create table removed_objects (
    id uuid primary key
  );
`;

const RETENTION = `
  -- The last message, by its age, that each task of the retention has examined.
  create table retention_positions (
    task text primary key check (task in ('bodies', 'messages', 'media')),
    created_at timestamptz(3) not null default '-infinity',
    message_id bigint not null default 0,
    -- When the walk through the messages began, and the last time that the walks before have examined.
    began_at timestamptz(3) not null default now(),
    examined_until timestamptz(3) not null default '-infinity'
  );
  insert into retention_positions (task) values ('bodies'), ('messages'), ('media');

  -- Messages up to the position that were not sent yet. The task returns to them.
  create table retention_skipped (
    task text not null references retention_positions,
    message_id bigint not null references messages on delete cascade,
    primary key (task, message_id)
  );
  create index retention_skipped_message_id_idx on retention_skipped (message_id);
`;
