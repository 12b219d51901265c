import type { Knex } from 'knex';
import { RECORDING } from './20260201000000_people_search_recording.ts';

/** Expiry, several providers a channel, their limits, and what people decide about a message. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table messages
      -- Outbound: when it is no longer worth sending.
      add expires_at timestamptz(3),
      -- The time that was reserved for it by the limit of its sender.
      add sender_slot_at timestamptz(3);
    update messages set expires_at = greatest(created_at, send_at) + interval '24 hours' where direction = 'outbound';

    -- What is due, by channel and by the provider that has it; an empty name where any may take it.
    drop index messages_due_idx;
    create index messages_due_idx on messages ((type = 'email'), coalesce(provider, ''), next_attempt_at)
      where next_attempt_at is not null and status in ('queued', 'sending');
    create index messages_scheduled_idx on messages (next_attempt_at) where status = 'scheduled';
    create index messages_expiry_idx on messages (expires_at) where status = 'queued';

    -- When the next message may be handed to a provider ("name"), or by a sender to a provider ("name sender"): what
    -- is sent moves it on, and so does a provider that asks for a pause.
    create table sending_slots (
      name text primary key,
      next_at timestamptz not null
    );

    create table delivery_decisions (
      id bigint generated always as identity primary key,
      message_id bigint not null references messages,
      decision text not null check (decision in ('cancel', 'retry')),
      from_status text not null,
      idempotency_key text,
      decided_at timestamptz(3) not null default now()
    );
    create unique index delivery_decisions_idempotency_key on delivery_decisions (idempotency_key)
      where idempotency_key is not null;
    create index delivery_decisions_message_id_idx on delivery_decisions (message_id, id);
  `);
  await replaceRecording(knex, recordingWithExpiry());
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table delivery_decisions, sending_slots;
    drop index messages_due_idx, messages_scheduled_idx, messages_expiry_idx;
    create index messages_due_idx on messages (next_attempt_at) where next_attempt_at is not null;
    alter table messages drop expires_at, drop sender_slot_at;
  `);
  await replaceRecording(knex, RECORDING);
}

async function replaceRecording(knex: Knex, functions: string): Promise<void> {
  await knex.raw('drop function record_messages, release_first');
  await knex.raw(functions);
}

/** The function as it was, with one more column in its input and in what it inserts. */
export function recordingWithExpiry(): string {
  return RECORDING.replace(
    'send_at timestamptz, payload',
    'send_at timestamptz, expires_at timestamptz, payload',
  ).replaceAll('send_at, payload,', 'send_at, expires_at, payload,');
}
