import type { Knex } from 'knex';

/**
 * People over addresses, full-text search, and the recording of messages in one round trip. Functions are here for
 * what has to be one statement: each of its steps sees what was committed while the one before waited for a lock.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Which addresses are one person's; undirected, the smaller id first. What was taken back stays as history.
    create table participant_links (
      id bigint generated always as identity primary key,
      participant_id bigint not null references participants,
      other_id bigint not null references participants check (participant_id < other_id),
      linked_at timestamptz(3) not null default now(),
      unlinked_at timestamptz(3) check (unlinked_at >= linked_at)
    );
    create unique index participant_links_key on participant_links (participant_id, other_id) where unlinked_at is null;
    create index participant_links_participant_id_idx on participant_links (participant_id, id);
    create index participant_links_other_id_idx on participant_links (other_id, id);
    comment on column participants.person_id is
      'The smallest id among the linked addresses of the person; null where that is this one.';

    -- The people of the set, by the smallest id of each; null where they are the participants themselves.
    alter table conversations add people_ids bigint[];
    create index conversations_people_ids_idx on conversations (people_ids) where people_ids is not null;
    -- What was merged is listed as part of what it was merged into.
    drop index conversations_activity_idx;
    create index conversations_activity_idx on conversations (last_message_at desc, id desc) where merged_into_id is null;

    create index messages_created_at_idx on messages (created_at, id);
    create index messages_exceptions_idx on messages (status, created_at, id)
      where status in ('scheduled', 'undelivered', 'failed', 'canceled', 'unknown');
  `);
  await knex.raw(DOCUMENT);
  await knex.raw(PEOPLE);
  await knex.raw(RECORDING);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function record_messages, add_conversations, regroup_conversations, release_first;
    drop index messages_exceptions_idx, messages_created_at_idx, messages_document_idx, conversations_activity_idx;
    drop function message_document;
    update conversations set merged_into_id = null;
    alter table conversations drop people_ids;
    create index conversations_activity_idx on conversations (last_message_at desc, id desc);
    update participants set person_id = null;
    drop table participant_links;
  `);
}

const DOCUMENT = `
  -- What a message is found by: its words as they are, in no one language. An email address is one word and, in
  -- addition, its parts. A tsvector has room for 1 MB, so of a longer body the beginning counts. Not for parallel
  -- workers: starting one takes longer than finding a page does.
  create function message_document("from" text, "to" text[], cc text[], subject text, body text) returns tsvector
  language plpgsql immutable cost 1000 as $$
  declare
    addresses text := concat_ws(' ', "from", array_to_string("to", ' '), array_to_string(cc, ' '));
  begin
    return to_tsvector('simple', concat_ws(' ', addresses,
      case when strpos(addresses, '@') > 0 then translate(addresses, '@', ' ') end, subject, left(body, 100000)));
  end $$;
  -- Whoever fills the list of what is still to be sorted in has to sort it in: a short one, so that nobody waits long.
  create index messages_document_idx on messages using gin (message_document("from", "to", cc, subject, body))
    with (gin_pending_list_limit = 256);
`;

const PEOPLE = `
  -- Finds the people of these conversations anew, and who speaks for them: of those with the same people the oldest.
  -- The caller holds the lock that linking and making conversations take turns by.
  create function regroup_conversations(ids bigint[]) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update conversations set people_ids = found.people_ids
    from (
      select conversation_id, nullif(
          array_agg(distinct coalesce(person_id, participants.id) order by coalesce(person_id, participants.id)),
          array_agg(participants.id order by participants.id)) as people_ids
      from conversation_participants join participants on participants.id = participant_id
      where conversation_id = any(ids) group by conversation_id
    ) as found
    where conversations.id = found.conversation_id and conversations.people_ids is distinct from found.people_ids;

    update conversations set merged_into_id = found.speaker_id
    from (
      select own.id, nullif(least(
          (select min(same.id) from conversations as same where same.people_ids = coalesce(own.people_ids, own.participant_ids)),
          (select same.id from conversations as same where same.participant_ids = coalesce(own.people_ids, own.participant_ids))
        ), own.id) as speaker_id
      from conversations as own where own.id = any(ids)
    ) as found
    where conversations.id = found.id and conversations.merged_into_id is distinct from found.speaker_id;
  end $$;

  -- Makes the participants and conversations of these messages that are not there yet.
  create function add_conversations(input json) returns void
  language plpgsql set enable_seqscan = off as $$
  declare
    added bigint[];
  begin
    -- Until the commit: who comes next sees what this one made, and no one is linked meanwhile.
    perform pg_advisory_xact_lock(4281907001);
    insert into participants (address, kind)
    select distinct address, kind
    from json_to_recordset(input) as message(participants text[], kinds text[])
    cross join lateral unnest(participants, kinds) as given(address, kind)
    where not exists (select from participants where participants.address = given.address)
    order by address
    on conflict do nothing;

    with wanted as (
      select distinct channel, found.ids
      from json_to_recordset(input) as message(channel text, participants text[])
      cross join lateral (
        select array_agg(id order by id) as ids from participants where address = any(message.participants)
      ) as found
    ), made as (
      insert into conversations (channel, participant_ids)
      select channel, ids from wanted
      where not exists (select from conversations where participant_ids = ids)
      order by ids
      returning id, participant_ids
    ), filled as (
      insert into conversation_participants (conversation_id, participant_id)
      select id, unnest(participant_ids) from made
    )
    select array_agg(id order by id) into added from made;

    if exists (
      select from conversation_participants
      join participants on participants.id = participant_id
      where conversation_id = any(added)
        and (person_id is not null or exists (select from participants as alias where alias.person_id = participants.id))
    ) then
      perform regroup_conversations(added);
    end if;
  end $$;
`;

export const RECORDING = `
  -- Gives the first pending message of each of these conversations its turn, where it has not got it yet.
  create function release_first(ids bigint[]) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update messages set next_attempt_at = statement_timestamp()
    from unnest(ids) as released(conversation_id)
    cross join lateral (
      select pending.id, pending.next_attempt_at from messages as pending
      where pending.conversation_id = released.conversation_id and pending.status in ('queued', 'sending')
      order by pending.id limit 1
    ) as head
    where messages.id = head.id and head.next_attempt_at is null;
  end $$;

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
        provider_message_id text, segments smallint, "timestamp" timestamptz, send_at timestamptz, payload jsonb,
        idempotency_key text, request_hash text, delivery_key uuid)
    ), inserted as (
      insert into messages (
        id, conversation_id, sender_id, direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
        metadata, status, provider, provider_message_id, segments, "timestamp", send_at, payload, idempotency_key,
        request_hash, delivery_key, next_attempt_at, created_at, updated_at)
      select
        id, own[n], senders[n], direction, type, "from", "to", cc, bcc, reply_to, subject, body, attachments,
        metadata, status, provider, provider_message_id, segments, "timestamp", send_at, payload, idempotency_key,
        request_hash, delivery_key,
        case
          when status = 'scheduled' then send_at
          -- Due at once where it is the first of its conversation here ("first") and none is pending there. Limited,
          -- so that it is answered by one look into the index: an EXISTS may read the whole queue.
          when status = 'queued' and first and (
            select true from messages as pending
            where pending.conversation_id = own[n] and pending.status in ('queued', 'sending') limit 1
          ) is null then at
        end,
        at, at
      from message
      on conflict do nothing
      returning id
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
