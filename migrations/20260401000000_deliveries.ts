import type { Knex } from 'knex';
import { recordingWithExpiry } from './20260301000000_delivery.ts';

/**
 * What becomes of an outbound message stands beside it, in a row of its own: messages are written once, and what
 * changes several times for each of them is small and has small indexes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(DELIVERIES);
  await knex.raw('drop function record_messages, release_first');
  await knex.raw(`
    drop index messages_due_idx, messages_scheduled_idx, messages_expiry_idx, messages_pending_idx,
      messages_exceptions_idx, messages_provider_message_id_idx;
    update messages set provider = null, provider_message_id = null where direction = 'outbound';
    ${OUTBOUND.map(([name]) => `alter table messages drop ${name};`).join('\n')}
    comment on column messages.provider is 'Inbound: who delivered it.';
  `);
  await knex.raw(DELIVERING);
  await knex.raw(SETTLING);
  await knex.raw(RECORDING);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function record_messages, release_first, settle_deliveries, apply_receipts, status_rank, lock_provider_message_ids;
    ${OUTBOUND.map(([name, type]) => `alter table messages add ${name} ${type};`).join('\n')}
    update messages set status = 'received', updated_at = created_at where direction = 'inbound';
    update messages
    set (${COPIED}, updated_at) = (select ${COPIED}, updated_at from deliveries where message_id = messages.id)
    where direction = 'outbound';
    alter table messages
      alter status set not null,
      add check (status in ('scheduled', 'queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'canceled',
        'unknown', 'received')),
      alter updated_at set not null;

    alter table delivery_attempts drop constraint delivery_attempts_message_id_fkey,
      add foreign key (message_id) references messages;
    alter table delivery_receipts drop constraint delivery_receipts_message_id_fkey,
      add foreign key (message_id) references messages;
    alter table delivery_decisions drop constraint delivery_decisions_message_id_fkey,
      add foreign key (message_id) references messages;
    drop table deliveries;
    alter table messages drop constraint messages_conversation_id_key;
    create index messages_conversation_id_idx on messages (conversation_id, id);

    create index messages_provider_message_id_idx on messages (provider, provider_message_id)
      where direction = 'outbound' and provider_message_id is not null;
    create index messages_pending_idx on messages (conversation_id, id) where status in ('queued', 'sending');
    create index messages_exceptions_idx on messages (status, created_at, id)
      where status in ('scheduled', 'undelivered', 'failed', 'canceled', 'unknown');
    create index messages_due_idx on messages ((type = 'email'), coalesce(provider, ''), next_attempt_at)
      where next_attempt_at is not null and status in ('queued', 'sending');
    create index messages_scheduled_idx on messages (next_attempt_at) where status = 'scheduled';
    create index messages_expiry_idx on messages (expires_at) where status = 'queued';
    comment on column messages.provider is null;
  `);
  await knex.raw(recordingWithExpiry());
}

/** What messages had for those that go out. */
const OUTBOUND = [
  ['status', 'text'],
  ['error', 'jsonb'],
  ['send_at', 'timestamptz(3)'],
  ['expires_at', 'timestamptz(3)'],
  ['delivery_key', 'uuid'],
  ['attempt_count', 'integer not null default 0'],
  ['retry_count', 'integer not null default 0'],
  ['may_have_been_sent', 'boolean not null default false'],
  ['next_attempt_at', 'timestamptz(3)'],
  ['sender_slot_at', 'timestamptz(3)'],
  ['updated_at', 'timestamptz(3) default now()'],
] as const;

const COPIED = `status, error, send_at, expires_at, delivery_key, attempt_count, retry_count, may_have_been_sent,
  next_attempt_at, sender_slot_at, provider, provider_message_id`;

const DELIVERIES = `
  drop index messages_conversation_id_idx;
  alter table messages add constraint messages_conversation_id_key unique (conversation_id, id);

  -- One row for each outbound message, made in the same statement.
  create table deliveries (
    message_id bigint primary key,
    -- Its message's, as its times of making are.
    conversation_id bigint not null,
    channel text not null check (channel in ('sms', 'email')),
    status text not null check (status in ('scheduled', 'queued', 'sending', 'sent', 'delivered', 'undelivered',
      'failed', 'canceled', 'unknown')),
    -- What the indexes of the queue are of. A column, so that the planner takes them for queries that ask for it and
    -- for no others: it believes the queue to be empty, and would read all of it to find one message by its status.
    pending boolean not null generated always as (status in ('queued', 'sending')) stored,
    error jsonb,
    -- Who has it, or is to have it next; null where any may.
    provider text,
    provider_message_id text,
    -- Every call to a provider carries it, the same in every try.
    delivery_key uuid not null,
    send_at timestamptz(3),
    -- When it is no longer worth sending.
    expires_at timestamptz(3) not null,
    attempt_count integer not null default 0,
    -- Attempts that count against the schedule; being throttled does not.
    retry_count integer not null default 0,
    -- An attempt ended without telling whether the provider has the message.
    may_have_been_sent boolean not null default false,
    -- When a worker may take the message, moved forward as a lease while one has it. Null: nothing is left to do, or
    -- an earlier message of the conversation has to go first.
    next_attempt_at timestamptz(3),
    -- The time that was reserved for it by the limit of its sender.
    sender_slot_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    foreign key (conversation_id, message_id) references messages (conversation_id, id)
  )
  -- What was sent leaves dead rows at the beginning of the queue's indexes, where everyone looks for what is due.
  with (autovacuum_vacuum_scale_factor = 0.02);
  insert into deliveries (message_id, conversation_id, channel, ${COPIED}, created_at, updated_at)
  select id, conversation_id, case when type = 'email' then 'email' else 'sms' end, ${COPIED}, created_at, updated_at
  from messages where direction = 'outbound';

  create index deliveries_pending_idx on deliveries (conversation_id, message_id) where pending;
  -- What is due, by channel and by the provider that has it; an empty name where any may take it.
  create index deliveries_due_idx on deliveries (channel, coalesce(provider, ''), next_attempt_at)
    where pending and next_attempt_at is not null;
  create index deliveries_scheduled_idx on deliveries (next_attempt_at) where status = 'scheduled';
  create index deliveries_expiry_idx on deliveries (expires_at) where status = 'queued';
  create index deliveries_exceptions_idx on deliveries (status, created_at, message_id)
    where status in ('scheduled', 'undelivered', 'failed', 'canceled', 'unknown');
  create index deliveries_provider_message_id_idx on deliveries (provider, provider_message_id)
    where provider_message_id is not null;

  alter table delivery_attempts drop constraint delivery_attempts_message_id_fkey,
    add foreign key (message_id) references deliveries;
  alter table delivery_receipts drop constraint delivery_receipts_message_id_fkey,
    add foreign key (message_id) references deliveries;
  alter table delivery_decisions drop constraint delivery_decisions_message_id_fkey,
    add foreign key (message_id) references deliveries;
`;

const DELIVERING = `
  -- Gives the first pending message of each of these conversations its turn, where it has not got it yet.
  create function release_first(ids bigint[]) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update deliveries set next_attempt_at = statement_timestamp()
    from unnest(ids) as released(conversation_id)
    cross join lateral (
      select waiting.message_id, waiting.next_attempt_at from deliveries as waiting
      where waiting.conversation_id = released.conversation_id and waiting.pending
      order by waiting.message_id limit 1
    ) as head
    where deliveries.message_id = head.message_id and head.next_attempt_at is null;
  end $$;

  -- Serialises, until the commit, whoever makes a provider's id known with whoever brings a receipt for it: the
  -- later of the two sees what the earlier one wrote. In one order for all, so that no two wait for each other.
  create function lock_provider_message_ids(ids text[]) returns void
  language plpgsql as $$
  begin
    perform pg_advisory_xact_lock(hash)
    from (select distinct hashtextextended(id, 0) as hash from unnest(ids) as given(id) order by 1) as hashes;
  end $$;

  create function status_rank(status text) returns integer
  language sql immutable as $$
    select case status
      when 'scheduled' then 0 when 'queued' then 1 when 'sending' then 2 when 'unknown' then 3 when 'sent' then 4 else 5 end
  $$;

  -- Moves these messages to what their receipts say. A status only moves forward, in whatever order the receipts
  -- came; of two final ones the first stands.
  create function apply_receipts(ids bigint[]) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update deliveries set status = best.status, error = best.error, updated_at = statement_timestamp()
    from (
      select distinct on (receipt.message_id) receipt.message_id, receipt.status, receipt.error
      from delivery_receipts as receipt
      -- Not of what was sent before, where it was sent again.
      join deliveries as sent
        on sent.message_id = receipt.message_id and sent.provider_message_id = receipt.provider_message_id
      where receipt.message_id = any(ids)
      order by receipt.message_id, status_rank(receipt.status) desc, receipt.id
    ) as best
    where deliveries.message_id = best.message_id and status_rank(best.status) > status_rank(deliveries.status);
  end $$;

`;

export const SETTLING = `
  -- Writes how these attempts ended, and gives the messages behind them their turn.
  create function settle_deliveries(input json) returns void
  language plpgsql set enable_seqscan = off as $$
  declare
    conversations_settled bigint[];
    accepted bigint[];
    provider_ids text[];
    adopted bigint[];
  begin
    select array_agg(distinct conversation_id), array_agg(id) filter (where provider_message_id is not null),
      array_agg(provider_message_id) filter (where provider_message_id is not null)
    into conversations_settled, accepted, provider_ids
    from json_to_recordset(input) as attempt(id bigint, conversation_id bigint, provider_message_id text);

    perform lock_provider_message_ids(provider_ids);
    perform from conversations where id = any(conversations_settled) order by id for no key update;

    with attempt as materialized (
      select * from json_to_recordset(input) as attempt(
        id bigint, number int, provider text, started_at timestamptz, duration_ms float8, outcome text, http_status int,
        code text, detail text, provider_message_id text, next_attempt_at timestamptz, status text, error jsonb,
        next_provider text, retries int, may_have_been_sent boolean)
    ), added as (
      insert into delivery_attempts (message_id, number, provider, started_at, duration_ms, outcome, http_status, code,
        detail, provider_message_id, next_attempt_at)
      select id, number, provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id,
        next_attempt_at
      from attempt
      on conflict do nothing
    )
    update deliveries
    set status = attempt.status, error = attempt.error, provider = attempt.next_provider,
        provider_message_id = attempt.provider_message_id, next_attempt_at = attempt.next_attempt_at,
        retry_count = retry_count + attempt.retries, may_have_been_sent = attempt.may_have_been_sent,
        updated_at = statement_timestamp()
    from attempt
    -- Only what this worker still holds: after its lease another one may have claimed the message again.
    where deliveries.message_id = attempt.id and deliveries.status = 'sending'
      and deliveries.attempt_count = attempt.number;

    -- Makes the providers that asked for it wait, for everyone.
    insert into sending_slots as slots (name, next_at)
    select provider, statement_timestamp() + max(pause_ms) * interval '1 millisecond'
    from json_to_recordset(input) as attempt(provider text, pause_ms float8)
    where pause_ms > 0 group by provider order by provider
    on conflict (name) do update set next_at = greatest(slots.next_at, excluded.next_at);

    -- The receipts that came before their message's provider id was known.
    with given as (
      update delivery_receipts as receipt set message_id = deliveries.message_id
      from deliveries
      where deliveries.message_id = any(accepted) and receipt.message_id is null
        and receipt.provider = deliveries.provider and receipt.provider_message_id = deliveries.provider_message_id
      returning deliveries.message_id
    )
    select array_agg(message_id) into adopted from given;
    if adopted is not null then
      perform apply_receipts(adopted);
    end if;
    perform release_first(conversations_settled);
  end $$;
`;

export const RECORDING = `
  -- Records messages, numbered from 1 by "n". "own" and "senders" have, by that number, the ids of each one's
  -- conversation and sender, or null for those whose addresses "unknown" has. Answers {ids, created, own, senders,
  -- speakers, created_at} in the same order: "created" is false for a repeat, which is left as it was, and "speakers"
  -- names for a merged conversation the one that speaks for it.
  create function record_messages(own bigint[], senders bigint[], unknown json, input json) returns json
  language plpgsql set enable_seqscan = off as $$
  declare
    found record;
    speakers bigint[];
    ids bigint[];
    created boolean[];
    -- The rows that are locked, and who spoke for each of them by then.
    locked bigint[];
    spoken_for bigint[];
    at timestamptz(3);
  begin
    for tries in 1..2 loop
      exit when array_position(own, null) is null;
      for found in
        select n, conversations.id as conversation_id, people.sender_id
        from json_to_recordset(unknown) as message(n int, sender text, participants text[])
        cross join lateral (
          select array_agg(id order by id) as ids, max(id) filter (where address = sender) as sender_id
          from participants where address = any(message.participants)
        ) as people
        join conversations
          on participant_ids = people.ids and cardinality(people.ids) = cardinality(message.participants)
      loop
        own[found.n] := found.conversation_id;
        senders[found.n] := found.sender_id;
      end loop;
      if array_position(own, null) is not null then
        perform add_conversations(unknown);
      end if;
    end loop;
    if array_position(own, null) is not null then
      raise 'a message has no conversation';
    end if;
    speakers := own || array(select merged_into_id from conversations where id = any(own) and merged_into_id is not null);

    -- By everyone in the order of the ids, so that no two wait for each other.
    select array_agg(id), array_agg(coalesce(merged_into_id, id)) into locked, spoken_for
    from (
      select id, merged_into_id from conversations where id = any(speakers) order by id for no key update
    ) as rows;
    if not spoken_for <@ locked then
      raise 'conversations were merged while this waited for them' using errcode = 'serialization_failure';
    end if;
    speakers := case
      when spoken_for = locked then own
      else array(
        select spoken_for[array_position(locked, id)] from unnest(own) with ordinality as message(id, n) order by n)
    end;

    -- Ids are drawn under the locks: messages become visible in their order.
    at := clock_timestamp();
    with message as materialized (
      select nextval('messages_id_seq') as id, given.*
      from json_to_recordset(input) as given(
        n int, first boolean, direction text, type text, "from" text, "to" text[], cc text[], bcc text[], reply_to text,
        subject text, body text, attachments text[], metadata jsonb, status text, provider text,
        provider_message_id text, segments smallint, "timestamp" timestamptz, send_at timestamptz,
        expires_at timestamptz, payload jsonb, idempotency_key text, request_hash text, delivery_key uuid)
    ), inserted as (
      insert into messages (
        id, conversation_id, sender_id, direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
        metadata, provider, provider_message_id, segments, "timestamp", payload, idempotency_key, request_hash,
        created_at)
      select
        id, own[n], senders[n], direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
        metadata, provider, provider_message_id, segments, "timestamp", payload, idempotency_key, request_hash, at
      from message
      on conflict do nothing
      returning id
    ), to_be_delivered as (
      insert into deliveries (
        message_id, conversation_id, channel, status, delivery_key, send_at, expires_at, next_attempt_at, created_at,
        updated_at)
      select
        id, own[n], case when type = 'email' then 'email' else 'sms' end, status, delivery_key, send_at, expires_at,
        case
          when status = 'scheduled' then send_at
          -- Due at once where it is the first of its conversation here ("first") and none is pending there. Limited,
          -- so that it is answered by one look into the index: an EXISTS may read the whole queue.
          when status = 'queued' and first and (
            select true from deliveries as waiting where waiting.conversation_id = own[n] and waiting.pending limit 1
          ) is null then at
        end,
        at, at
      from message join inserted using (id)
      where direction = 'outbound'
    )
    select array_agg(message.id order by n), array_agg(inserted.id is not null order by n) into ids, created
    from message left join inserted using (id);

    update conversations
    set message_count = message_count + added.messages, last_message_at = greatest(last_message_at, at)
    from (
      select id, sum(messages) as messages
      from (
        select own[n] as id, 1 as messages from generate_subscripts(own, 1) as n where created[n]
        union all
        select speakers[n], 0 from generate_subscripts(own, 1) as n where created[n] and speakers[n] <> own[n]
      ) as each_one
      group by id
    ) as added
    -- The list tells the planner that these are few: it would read the whole table otherwise.
    where conversations.id = any(locked) and conversations.id = added.id;

    -- The one that was to go first may have been a repeat.
    if false = any(created) then
      perform release_first(own);
    end if;
    return json_build_object(
      'ids', ids, 'created', created, 'own', own, 'senders', senders, 'speakers', speakers, 'created_at', at);
  end $$;
`;
