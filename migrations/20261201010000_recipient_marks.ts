import type { Knex } from 'knex';

/** The marks of recipients, which receipts of emails report, and the Message-IDs that receipts name. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(MARKS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const MARKS = `
  create table recipient_marks (
    message_id bigint not null references deliveries on delete cascade,
    -- The position in "to", cc and bcc, from 1.
    position smallint not null,
    -- bounced: the bounce of the last send, which has an event. Responses have the other marks.
    mark text not null check (mark in ('bounced', 'complained', 'unsubscribed', 'opened', 'clicked')),
    -- The earliest time that a receipt reports.
    occurred_at timestamptz(3) not null,
    primary key (message_id, position, mark)
  );

  -- The Message-ID of the email on the wire, without angle brackets, if the receipt names it.
  alter table delivery_receipts add column wire_message_id text;
`;
