import type { Knex } from 'knex';

/** Participants, conversations, messages and their delivery. The functions that write them are in src/db/functions. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(PEOPLE + CONVERSATIONS + MESSAGES + IDEMPOTENCY_KEYS + DELIVERIES + FUNCTION_SCHEMAS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const PEOPLE = `
  create table participants (
    id bigint generated always as identity primary key,
    address text not null,
    address_type text not null check (address_type in ('phone', 'short_code', 'alphanumeric', 'email', 'other')),
    name text,
    -- The smallest id among the linked addresses of the person; null if this is the id of the row itself.
    person_id bigint references participants check (person_id <> id),
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    constraint participants_address_key unique (address)
  );
  create index participants_person_id_idx on participants (person_id) where person_id is not null;

  -- Links of two participants that are one person; undirected, with the smaller id first. Removed links remain as history.
  create table participant_links (
    id bigint generated always as identity primary key,
    participant_id bigint not null references participants,
    other_id bigint not null references participants,
    linked_at timestamptz(3) not null default now(),
    unlinked_at timestamptz(3),
    check (participant_id < other_id),
    check (unlinked_at >= linked_at)
  );
  create unique index participant_links_key on participant_links (participant_id, other_id) where unlinked_at is null;
  create index participant_links_participant_id_idx on participant_links (participant_id, id);
  create index participant_links_other_id_idx on participant_links (other_id, id);
`;

const CONVERSATIONS = `
  create table conversations (
    id bigint generated always as identity primary key,
    channel text not null check (channel in ('sms', 'email')),
    -- Ascending. There is one conversation per set of participants.
    participant_ids bigint[] not null,
    -- The primary conversation; null for a primary conversation.
    merged_into_id bigint references conversations check (merged_into_id < id),
    message_count integer not null default 0,
    created_at timestamptz(3) not null default now(),
    last_message_at timestamptz(3) not null default now(),
    -- The person ids of the participants, ascending; null if these equal participant_ids.
    people_ids bigint[],
    constraint conversations_participant_ids_key unique (participant_ids)
  );
  -- Lists show primary conversations only.
  create index conversations_activity_idx on conversations (last_message_at desc, id desc) where merged_into_id is null;
  create index conversations_merged_into_id_idx on conversations (merged_into_id) where merged_into_id is not null;
  create index conversations_people_ids_idx on conversations (people_ids, id) where people_ids is not null;

  create table conversation_participants (
    conversation_id bigint not null references conversations,
    participant_id bigint not null references participants,
    primary key (conversation_id, participant_id)
  );
  create index conversation_participants_participant_id_idx
    on conversation_participants (participant_id, conversation_id);

  -- Participants whose links changed and whose conversations are not all regrouped yet, with the last regrouped conversation.
  create table pending_regroupings (
    participant_id bigint primary key references participants on delete cascade,
    done_up_to bigint not null default 0
  );
`;

const MESSAGES = `
  -- The words of a message that a search finds, independent of the language: letters without accents and digits, without
  -- punctuation and HTML tags. Only the first 100,000 characters of a body are searched, because a tsvector has at most 1 MB.
  -- src/messaging/reading/search-words.ts normalizes the words of a search in the same way.
  -- Not parallel safe, because the start of a parallel worker takes longer than the search of a page.
  create function message_document("from" text, "to" text[], cc text[], subject text, body text) returns tsvector
  language plpgsql immutable cost 1000 as $$
  declare
    words text := concat_ws(' ',
      "from", array_to_string("to", ' '), array_to_string(cc, ' '), subject, left(body, 100000));
  begin
    if strpos(words, '<') > 0 then
      words := regexp_replace(words, '<[/!?a-zA-Z][^<>]*>', ' ', 'g');
    end if;
    -- Only ASCII characters have one byte.
    if octet_length(words) <> length(words) then
      words := regexp_replace(normalize(words, nfkd), '[\\u0300-\\u036f]', '', 'g');
    end if;
    -- Between these characters the parser of PostgreSQL would find signed numbers, host names, URLs and email addresses.
    return to_tsvector('simple', translate(words, '-./@+_~:', '        '));
  end $$;

  create table messages (
    id bigint generated by default as identity primary key,
    conversation_id bigint not null references conversations,
    sender_id bigint not null references participants,
    direction text not null check (direction in ('inbound', 'outbound')),
    type text not null check (type in ('sms', 'mms', 'email')),
    "from" text not null,
    "to" text[] not null,
    cc text[],
    bcc text[],
    reply_to text,
    subject text,
    body text not null,
    attachments text[] not null,
    metadata jsonb not null,
    -- Inbound: the account that received the message, and the provider's id.
    provider text,
    provider_message_id text,
    segments smallint,
    "timestamp" timestamptz(3) not null,
    -- Inbound: the webhook as the provider sent it.
    payload jsonb,
    created_at timestamptz(3) not null default now(),
    -- Null for a short message, because computing its words is as fast as reading them.
    document tsvector generated always as (
      case
        when octet_length(body) + octet_length(coalesce(subject, '')) > 2000
          or cardinality("to") + coalesce(cardinality(cc), 0) > 10
        then message_document("from", "to", cc, subject, body)
      end) stored,
    constraint messages_conversation_id_key unique (conversation_id, id)
  );
  create unique index messages_inbound_key on messages (provider, provider_message_id) where direction = 'inbound';
  create index messages_created_at_idx on messages (created_at, id);
  -- A short pending list, because the insert that fills the list also moves its entries to the index.
  create index messages_document_idx
    on messages using gin (coalesce(document, message_document("from", "to", cc, subject, body)))
    with (gin_pending_list_limit = 256);
`;

const IDEMPOTENCY_KEYS = `
  -- The Idempotency-Key of each request that sent a message or changed its delivery.
  create table idempotency_keys (
    -- Empty if no API keys are configured.
    api_key_name text not null,
    key text not null,
    operation text not null check (operation in ('send', 'cancel', 'retry')),
    -- Null for an operation without a body.
    request_hash text,
    message_id bigint not null references messages on delete cascade,
    created_at timestamptz(3) not null default now(),
    primary key (api_key_name, key)
  );
  create index idempotency_keys_message_id_idx on idempotency_keys (message_id);
  create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
`;

const DELIVERIES = `
  -- One row per outbound message, created in the same statement.
  create table deliveries (
    message_id bigint primary key,
    -- Copies of the message's columns, for the indexes of the queue.
    conversation_id bigint not null,
    channel text not null check (channel in ('sms', 'email')),
    status text not null check (status in ('scheduled', 'queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed',
      'canceled', 'unknown')),
    -- The planner uses the partial indexes of the queue only for queries with this column. In queries by status the planner,
    -- which expects an empty queue, would read the whole queue to find one message.
    pending boolean not null generated always as (status in ('queued', 'sending')) stored,
    error jsonb,
    -- The account that the message is assigned to; null if any account may send it.
    provider text,
    provider_message_id text,
    -- The key that every call for this message carries.
    delivery_key uuid not null,
    send_at timestamptz(3),
    expires_at timestamptz(3) not null,
    attempt_count integer not null default 0,
    -- The number of attempts that increase the backoff; throttled attempts do not.
    retry_count integer not null default 0,
    -- Whether an attempt ended with the outcome unknown.
    may_have_been_sent boolean not null default false,
    -- The time from which the delivery can be claimed; while the delivery is claimed, the end of the lease. Null if the
    -- delivery is settled for good, or if another delivery is the head of the conversation.
    next_attempt_at timestamptz(3),
    -- The reserved time within the rate limit of the sender.
    sender_slot_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    foreign key (conversation_id, message_id) references messages (conversation_id, id)
  )
  -- Settled deliveries leave dead rows at the beginning of the queue's indexes, where every claim starts.
  with (autovacuum_vacuum_scale_factor = 0.02);
  -- The active delivery of each conversation, then its waiting deliveries.
  create index deliveries_pending_idx on deliveries (conversation_id, (next_attempt_at is null), message_id) where pending;
  -- Due deliveries by channel, assigned account (empty for none), and whether there was an attempt.
  create index deliveries_due_idx on deliveries (channel, coalesce(provider, ''), (attempt_count > 0), next_attempt_at)
    where pending and next_attempt_at is not null;
  create index deliveries_scheduled_idx on deliveries (next_attempt_at) where status = 'scheduled';
  create index deliveries_expiry_idx on deliveries (expires_at) where status = 'queued';
  create index deliveries_exceptions_idx on deliveries (status, created_at, message_id)
    where status in ('scheduled', 'undelivered', 'failed', 'canceled', 'unknown');
  create index deliveries_provider_message_id_idx on deliveries (provider, provider_message_id)
    where provider_message_id is not null;

  create table delivery_attempts (
    message_id bigint not null references deliveries,
    number integer not null,
    provider text not null,
    started_at timestamptz(3) not null,
    -- Null until the worker of the attempt settles it.
    duration_ms double precision,
    outcome text not null check (outcome in ('accepted', 'rejected', 'throttled', 'unavailable', 'unknown')),
    http_status smallint,
    code text,
    detail text,
    provider_message_id text,
    next_attempt_at timestamptz(3),
    primary key (message_id, number)
  );

  create table delivery_receipts (
    id bigint generated always as identity primary key,
    provider text not null,
    provider_message_id text not null,
    -- Null until a delivery has this provider_message_id.
    message_id bigint references deliveries,
    -- The status of the provider, in lower case.
    status text not null,
    error jsonb,
    occurred_at timestamptz(3) not null,
    received_at timestamptz(3) not null default now(),
    payload jsonb not null,
    constraint delivery_receipts_key unique (provider, provider_message_id, status)
  );
  create index delivery_receipts_message_id_idx on delivery_receipts (message_id, id);

  create table delivery_actions (
    id bigint generated always as identity primary key,
    message_id bigint not null references deliveries,
    action text not null check (action in ('cancel', 'retry')),
    from_status text not null,
    -- The expiry before the action: a repeated request to send returns the first expiry.
    from_expires_at timestamptz(3),
    created_at timestamptz(3) not null default now()
  );
  create index delivery_actions_message_id_idx on delivery_actions (message_id, id);

  -- The time of the next call that a rate limit allows, for an account ("name"), or for a sender at an account
  -- ("name sender"). A pause of a throttled account also changes this time.
  create table rate_limit_slots (
    name text primary key,
    next_at timestamptz not null
  );
`;

const FUNCTION_SCHEMAS = `
  -- The schemas of stored functions (src/db/functions.ts), with the last use by a running process.
  create table function_schemas (
    name text primary key,
    used_at timestamptz not null default now()
  );
`;
