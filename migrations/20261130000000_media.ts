import type { Knex } from 'knex';

/** The files of messages. The functions that record and fetch them are in src/db/functions/media. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(STORE + MEDIA);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const STORE = `
  -- The stored files, written before anything refers to them. An object without media is removed (src/media/collect.ts).
  create table media_objects (
    id uuid primary key,
    created_at timestamptz(3) not null default now()
  );

  create table media_chunks (
    object_id uuid not null references media_objects on delete cascade,
    -- From 0.
    number int not null check (number >= 0),
    -- Every chunk but the last has 512 KiB.
    data bytea not null check (octet_length(data) between 1 and 524288),
    primary key (object_id, number)
  );
  -- Pictures are compressed already.
  alter table media_chunks alter column data set storage external;
`;

const MEDIA = `
  -- A file that a message has, or that a client has uploaded for a message.
  create table media (
    id bigint generated always as identity primary key,
    state text not null check (state in ('pending', 'stored', 'failed')),
    object_id uuid unique references media_objects,
    -- Without parameters, in lower case.
    content_type text,
    -- In bytes.
    size bigint,
    sha256 bytea check (octet_length(sha256) = 32),
    name text,
    -- Of an inbound message: the URL at the provider, and the account.
    source_url text,
    account text,
    -- Why it could not be fetched.
    error jsonb,
    -- The API key that uploaded it.
    actor text,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    check ((state = 'stored') = (object_id is not null)),
    check (state <> 'stored' or (content_type is not null and size is not null and sha256 is not null)),
    check ((state = 'failed') = (error is not null)),
    check (state = 'stored' or source_url is not null)
  );

  create table message_media (
    message_id bigint not null references messages on delete cascade,
    -- From 1.
    position smallint not null check (position >= 1),
    media_id bigint not null references media,
    primary key (message_id, position)
  );
  create index message_media_media_id_idx on message_media (media_id);

  -- The media of inbound messages that are to be fetched.
  create table media_fetches (
    media_id bigint primary key references media on delete cascade,
    -- The account of the media: each account has its own share of the fetches.
    account text not null,
    attempt_count int not null default 0,
    -- When the next attempt is due; during an attempt, the end of its lease.
    next_attempt_at timestamptz(3) not null,
    leased boolean not null default false,
    created_at timestamptz(3) not null default now()
  );
  create index media_fetches_account_next_attempt_at_idx on media_fetches (account, next_attempt_at);
`;
