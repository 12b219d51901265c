import type { Knex } from 'knex';

/** The parts of emails that texts do not have. The functions that record and send them are in src/db/functions. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(EMAILS + MESSAGE_IDS + FILES);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const EMAILS = `
  -- Emails of the previous version have no row: their body is HTML if it has a tag, and they belong to no thread.
  create table emails (
    message_id bigint primary key references messages on delete cascade,
    -- Whether the body of the message is HTML; "text" is the text part beside it, null if it is made from the HTML.
    is_html boolean not null,
    text text check (text is null or is_html),
    -- Inbound: the text without the quoted email and the signature.
    stripped_text text,
    -- Outbound: the headers that the client gave. Inbound: the useful ones, with names in lower case.
    headers jsonb,
    -- Outbound: the display names, by address.
    names jsonb,
    -- Outbound: for each URL in attachments, the name, the type and the content id that the client gave, or null.
    url_files jsonb,
    -- The Message-ID that the service gave the email, or that of the inbound email, without angle brackets.
    internet_message_id text check (octet_length(internet_message_id) <= 1000),
    -- The Message-ID by which the provider replaced that of the service.
    wire_message_id text check (octet_length(wire_message_id) <= 1000),
    -- The email that this email answers.
    in_reply_to_id bigint references messages on delete set null,
    -- Inbound: the References as they arrived, oldest first.
    reference_ids text[],
    -- Inbound: the envelope recipients.
    delivered_to text[],
    auto_reply boolean,
    spam jsonb,
    -- Inbound: the email as it arrived.
    raw_media_id bigint references media
  );
  create index emails_in_reply_to_id_idx on emails (in_reply_to_id) where in_reply_to_id is not null;
  create index emails_raw_media_id_idx on emails (raw_media_id) where raw_media_id is not null;
`;

const MESSAGE_IDS = `
  -- Every Message-ID that an email had on the wire, by which replies find it. A Message-ID is not unique.
  create table email_message_ids (
    internet_message_id text not null check (octet_length(internet_message_id) <= 1000),
    message_id bigint not null references messages on delete cascade,
    primary key (internet_message_id, message_id)
  );
  create index email_message_ids_message_id_idx on email_message_ids (message_id);
`;

const FILES = `
  alter table message_media
    -- Of a file that the HTML of an email shows: the id by which it does, without angle brackets.
    add column content_id text,
    -- The name that the message gives the file; null: the name of the file itself.
    add column name text;
`;
