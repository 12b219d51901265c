import type { Knex } from 'knex';

/** Participants, conversations, messages and their delivery. The functions that write them are in src/db/functions. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(searchFunctions(await unicodeCollation(knex)));
  await knex.raw(PEOPLE + CONVERSATIONS + MESSAGES + IDEMPOTENCY_KEYS + DELIVERIES + FUNCTION_SCHEMAS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

/** A collation that converts letters of every script to lower case, independent of the locale of the database. */
async function unicodeCollation(knex: Knex): Promise<string> {
  // The built-in collation exists since PostgreSQL 17, and does not change with the operating system.
  const { rows } = await knex.raw<{ rows: { collname: string }[] }>(
    `select collname from pg_collation where collname in ('pg_c_utf8', 'und-x-icu') order by collname limit 1`,
  );
  return rows[0]?.collname ?? 'und-x-icu';
}

/** All characters except letters, digits and combining marks (Unicode 17), after the normalization to NFKD. */
const SEPARATORS = [
  String.raw`\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02eb\u02ed`,
  String.raw`\u02ef-\u02ff\u0375\u03f6\u0482\u055a-\u055f\u0589-\u05c6\u05f3-\u061f\u066a-\u066d\u06d4\u06dd-\u06de`,
  String.raw`\u06e9\u06fd-\u06fe\u0700-\u070f\u07f6-\u07f9\u07fe-\u07ff\u0830-\u083e\u085e\u0888\u0890-\u0891\u08e2`,
  String.raw`\u0964-\u0965\u0970\u09f2-\u09f3\u09fa-\u09fb\u09fd\u0a76\u0af0-\u0af1\u0b70\u0bf3-\u0bfa\u0c77\u0c7f`,
  String.raw`\u0c84\u0d4f\u0d79\u0df4\u0e3f\u0e4f\u0e5a-\u0e5b\u0f01-\u0f17\u0f1a-\u0f1f\u0f34\u0f36\u0f38\u0f3a-\u0f3d`,
  String.raw`\u0f85\u0fbe-\u0fc5\u0fc7-\u0fda\u104a-\u104f\u109e-\u109f\u10fb\u1360-\u1368\u1390-\u1399\u1400`,
  String.raw`\u166d-\u166e\u1680\u169b-\u169c\u16eb-\u16ed\u1735-\u1736\u17d4-\u17d6\u17d8-\u17db\u1800-\u180a\u180e`,
  String.raw`\u1940-\u1945\u19de-\u19ff\u1a1e-\u1a1f\u1aa0-\u1aa6\u1aa8-\u1aad\u1b4e-\u1b4f\u1b5a-\u1b6a\u1b74-\u1b7f`,
  String.raw`\u1bfc-\u1bff\u1c3b-\u1c3f\u1c7e-\u1c7f\u1cc0-\u1cc7\u1cd3\u2010-\u212e\u213a-\u214d\u214f\u218a-\u244a`,
  String.raw`\u2500-\u2775\u2794-\u2bff\u2ce5-\u2cea\u2cf9-\u2cfc\u2cfe-\u2cff\u2d70\u2e00-\u2e2e\u2e30-\u3004`,
  String.raw`\u3008-\u3020\u3030\u3037\u303d-\u303f\u30a0\u30fb\u3190-\u3191\u31c0-\u31ef\u327f\u4dc0-\u4dff`,
  String.raw`\ua490-\ua4c6\ua4fe-\ua4ff\ua60d-\ua60f\ua673\ua67e\ua6f2-\ua716\ua720-\ua721\ua789-\ua78a\ua828-\ua82b`,
  String.raw`\ua836-\ua839\ua874-\ua877\ua8ce-\ua8cf\ua8f8-\ua8fa\ua8fc\ua92e-\ua92f\ua95f\ua9c1-\ua9cd\ua9de-\ua9df`,
  String.raw`\uaa5c-\uaa5f\uaa77-\uaa79\uaade-\uaadf\uaaf0-\uaaf1\uab5b\uab6a-\uab6b\uabeb\ue000-\uf8ff\ufbb2-\ufe46`,
  String.raw`\ufff9-\ufffd\U00010100-\U00010102\U00010137-\U0001013f\U00010179-\U00010189\U0001018c-\U000101fc`,
  String.raw`\U0001039f\U000103d0\U0001056f\U00010857\U00010877-\U00010878\U0001091f\U0001093f\U00010a50-\U00010a58`,
  String.raw`\U00010a7f\U00010ac8\U00010af0-\U00010af6\U00010b39-\U00010b3f\U00010b99-\U00010b9c\U00010d6e`,
  String.raw`\U00010d8e-\U00010d8f\U00010ead\U00010ed0-\U00010ed8\U00010f55-\U00010f59\U00010f86-\U00010f89`,
  String.raw`\U00011047-\U0001104d\U000110bb-\U000110c1\U000110cd\U00011140-\U00011143\U00011174-\U00011175`,
  String.raw`\U000111c5-\U000111c8\U000111cd\U000111db\U000111dd-\U000111df\U00011238-\U0001123d\U000112a9`,
  String.raw`\U000113d4-\U000113d8\U0001144b-\U0001144f\U0001145a-\U0001145d\U000114c6\U000115c1-\U000115d7`,
  String.raw`\U00011641-\U00011643\U00011660-\U0001166c\U000116b9\U0001173c-\U0001173f\U0001183b\U00011944-\U00011946`,
  String.raw`\U000119e2\U00011a3f-\U00011a46\U00011a9a-\U00011a9c\U00011a9e-\U00011aa2\U00011b00-\U00011b09\U00011be1`,
  String.raw`\U00011c41-\U00011c45\U00011c70-\U00011c71\U00011ef7-\U00011ef8\U00011f43-\U00011f4f\U00011fd5-\U00011fff`,
  String.raw`\U00012470-\U00012474\U00012ff1-\U00012ff2\U00013430-\U0001343f\U00016a6e-\U00016a6f\U00016af5`,
  String.raw`\U00016b37-\U00016b3f\U00016b44-\U00016b45\U00016d6d-\U00016d6f\U00016e97-\U00016e9a\U00016fe2\U0001bc9c`,
  String.raw`\U0001bc9f-\U0001cef0\U0001cf50-\U0001d15d\U0001d16a-\U0001d16c\U0001d173-\U0001d17a\U0001d183-\U0001d184`,
  String.raw`\U0001d18c-\U0001d1a9\U0001d1ae-\U0001d241\U0001d245\U0001d300-\U0001d356\U0001d800-\U0001d9ff`,
  String.raw`\U0001da37-\U0001da3a\U0001da6d-\U0001da74\U0001da76-\U0001da83\U0001da85-\U0001da8b\U0001e14f\U0001e2ff`,
  String.raw`\U0001e5ff\U0001e95e-\U0001e95f\U0001ecac\U0001ecb0\U0001ed2e\U0001eef0-\U0001f0f5\U0001f10d-\U0001fbfa`,
  String.raw`\U000f0000-\U0010fffd`,
].join('');

/** Accents, vowel signs of Hebrew and Arabic, and invisible characters. */
const IGNORED = [
  String.raw`\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640`,
  String.raw`\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f`,
  String.raw`\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\U000e0000-\U000e0fff`,
].join('');

/**
 * The words of a message that a search finds, in any language and independent of the locale of the database.
 * src/messaging/reading/search-words.ts and html-text.ts normalize the words of a search and the text of a highlight in the
 * same way, which test/messaging/reading/search-words.test.ts checks.
 *
 * The functions accept any message, because an error would refuse the message: a tsvector has at most 1 MB, and a word at most
 * 2,046 bytes. They are not parallel safe, because the start of a parallel worker takes longer than the search of a page.
 */
function searchFunctions(collation: string): string {
  const sql = String.raw`
  -- The words of a message in lower case and without accents, each between two spaces. Calls no function of this schema,
  -- because a vacuum and an analyze have another search path.
  create function message_words(
    type text, "from" text, "to" text[], cc text[], bcc text[], subject text, body text) returns text
  language plpgsql immutable cost 1000 as $$
  declare
    words text collate "C" := left(body, 100000);
  begin
    -- In an email, tags are removed and the characters of common character references are inserted.
    if type = 'email' and strpos(words, '<') > 0 then
      words := regexp_replace(words,
        '<(?:/?[a-z][a-z0-9:-]*(?:[ \t\r\n][^<>=]*=[^<>]*|[ \t\r\n]*/?)|!(?:--|\[|doctype )[^<>]*)>', ' ', 'gi');
    end if;
    if type = 'email' and strpos(words, '&') > 0 then
      -- Accents are ignored, so that the base letter is sufficient.
      words := regexp_replace(replace(words, '&szlig;', 'ss'),
        '&(?:([a-z])(?:acute|grave|circ|uml|tilde|cedil|ring|caron|slash)|([ao]e)lig);', '\1\2', 'gi');
      words := regexp_replace(words, '&(?:shy|zwn?j);', '', 'g');
      words := regexp_replace(words,
        '&(?:amp|lt|gt|quot|apos|nbsp|[lr][sd]quo|[lr]aquo|[nm]dash|hellip|bull|middot|euro|pound|copy|reg);', ' ', 'gi');
    end if;
    if type = 'email' and strpos(words, '&#') > 0 then
      select string_agg(
        case
          when code between 1 and 55295 or code between 57344 and 1114111 then chr(code) || substr(part, strpos(part, ';') + 1)
          when n > 1 then '&#' || part
          else part
        end, '' order by n)
      into words
      from string_to_table(words, '&#') with ordinality as piece(part, n)
      cross join lateral (
        select case
          when n = 1 then null
          when part ~ '^[0-9]{1,7};' then split_part(part, ';', 1)::int
          when part ~ '^[xX][0-9a-fA-F]{1,6};' then ('x' || lpad(substr(split_part(part, ';', 1), 2), 8, '0'))::bit(32)::int
        end as code) as reference;
    end if;
    words := concat_ws(' ',
      '', "from", array_to_string("to", ' '), array_to_string(cc, ' '), array_to_string(bcc, ' '), subject, words, '');
    -- Only ASCII characters have one byte.
    if octet_length(words) = length(words) then
      words := regexp_replace(lower(words), '[^a-z0-9]+', ' ', 'g');
    else
      words := lower(regexp_replace(normalize(words, nfkd), '[${IGNORED}]+', '', 'g') collate "${collation}");
      words := replace(replace(replace(translate(words, 'ςđłøħŧı', 'σdlohti'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
      words := regexp_replace(words, '[${SEPARATORS}]+', ' ', 'g');
    end if;
    return case when length(words) > 200000 then left(words, 199999) || ' ' else words end;
  end $$;

  -- Without positions: a search for adjacent words reads message_words of its candidates.
  create function message_document(words text) returns tsvector
  language plpgsql immutable as $$
  begin
    if octet_length(words) <= 500 then
      return array_to_tsvector(string_to_array(trim(words), ' '));
    end if;
    return array_to_tsvector(array(select left(word, 500) from string_to_table(trim(words), ' ') as word limit 20000));
  end $$;
  `;
  // Knex replaces an unescaped question mark.
  return sql.replaceAll('?', '\\?');
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
          or cardinality("to") + coalesce(cardinality(cc), 0) + coalesce(cardinality(bcc), 0) > 10
        then message_document(message_words(type, "from", "to", cc, bcc, subject, body))
      end) stored,
    constraint messages_conversation_id_key unique (conversation_id, id)
  );
  create unique index messages_inbound_key on messages (provider, provider_message_id) where direction = 'inbound';
  create index messages_created_at_idx on messages (created_at, id);
  -- A short pending list, because the insert that fills the list also moves its entries to the index.
  create index messages_document_idx
    on messages
    using gin (coalesce(document, message_document(message_words(type, "from", "to", cc, bcc, subject, body))))
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
