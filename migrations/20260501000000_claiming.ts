import type { Knex } from 'knex';

/** A worker takes messages up by one statement: one round trip and one commit, whatever limits they are under. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(RESERVING);
  await knex.raw(CLAIMING);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function claim_deliveries, reserve_slots');
}

const RESERVING = `
  -- Gives each of these a time of its own among those that share its limit by name, so many a second, in their order;
  -- "at" where it is under no limit ("per_second" is null).
  create function reserve_slots(names text[], per_second float8[], at timestamptz) returns timestamptz[]
  language sql set enable_seqscan = off as $$
    with wanted as materialized (
      select n, name, rate, row_number() over (partition by name order by n desc) as from_last
      from unnest(names, per_second) with ordinality as given(name, rate, n)
      where rate is not null
    ), reserved as (
      insert into sending_slots as slots (name, next_at)
      select name, at + max(from_last) * interval '1 second' / min(rate) from wanted group by name order by name
      on conflict (name) do update set next_at = greatest(slots.next_at, at) + (excluded.next_at - at)
      returning name, next_at
    )
    select array_agg(coalesce(next_at - from_last * interval '1 second' / rate, at) order by n)
    from generate_subscripts(names, 1) as n left join wanted using (n) left join reserved using (name)
  $$;
`;

export const CLAIMING = `
  -- Takes up to "wanted" messages that are due, for "lease_ms" milliseconds, each by the first of these lanes that it
  -- is in, and no more for a provider than its "room". "hold_ms" tells how long each is to be held before it is handed
  -- over. Those whose limit leaves them no time so soon are put off until the time that is reserved for them.
  create function claim_deliveries(lanes json, wanted int, lease_ms float8) returns table (
    lane int, hold_ms float8, id bigint, conversation_id bigint, type text, "from" text, "to" text[], cc text[],
    bcc text[], reply_to text, subject text, body text, attachments text[], "timestamp" timestamptz, delivery_key uuid,
    attempt_count int, retry_count int, may_have_been_sent boolean, created_at timestamptz, send_at timestamptz,
    expires_at timestamptz)
  language plpgsql set enable_seqscan = off as $$
  #variable_conflict use_column
  declare
    longest_hold constant interval := '250 milliseconds';
    -- A reserved time that has passed by more than this is gone: were all of them kept, they would go at once.
    grace constant interval := '2 seconds';
    limited constant text[] := array(
      select provider from json_to_recordset(lanes) as lane(provider text, per_second float8)
      where per_second is not null);
    at timestamptz;
    -- Of each message, in the order in which they go.
    ids bigint[];
    lane_numbers int[];
    providers text[];
    rates float8[];
    senders text[];
    sender_rates float8[];
    -- When it may go, by the limit of its sender and by that of its provider.
    sender_slots timestamptz[];
    provider_slots timestamptz[];
  begin
    -- Who has a limit is locked until the commit, by everyone in the order of the names.
    if limited <> '{}' then
      insert into sending_slots (name, next_at)
      select distinct name, statement_timestamp() from unnest(limited) as limits(name) order by name
      on conflict do nothing;
      perform from sending_slots where name = any(limited) order by name for update;
    end if;
    at := clock_timestamp();

    with lane as materialized (
      select given.*,
        case
          when next_at is null or next_at <= at + case when per_second is null then interval '0' else longest_hold end
          then least(room, 1 + floor(extract(epoch from at + longest_hold - greatest(next_at, at)) * per_second))
          else 0
        end as free
      from json_to_recordset(lanes) as given(
        n int, channel text, held_by text, movable boolean, provider text, room int, per_second float8,
        per_second_per_sender float8)
      left join sending_slots on name = provider
    ), due as materialized (
      select lane.*, message_id, next_attempt_at, sender_slot_at
      from lane cross join lateral (
        select message_id, next_attempt_at, sender_slot_at from deliveries
        where channel = lane.channel and coalesce(provider, '') = lane.held_by and next_attempt_at <= at and pending
          and (not lane.movable or (status = 'queued' and not may_have_been_sent))
          and (status = 'sending' or expires_at > at)
        order by next_attempt_at limit lane.free
        for update skip locked
      ) as found
    ), counted as (
      select *, row_number() over (partition by provider order by n, next_attempt_at, message_id) as nth
      from (select distinct on (message_id) * from due order by message_id, n) as once
    ), chosen as (
      select *, row_number() over (order by n, next_attempt_at, message_id) as place
      from counted where nth <= free order by place limit wanted
    )
    select array_agg(message_id order by place), array_agg(n order by place), array_agg(chosen.provider order by place),
      array_agg(per_second order by place), array_agg(chosen.provider || ' ' || "from" order by place),
      array_agg(case when coalesce(sender_slot_at < at - grace, true) then per_second_per_sender end order by place)
    into ids, lane_numbers, providers, rates, senders, sender_rates
    from chosen join messages on messages.id = message_id;
    if ids is null then
      return;
    end if;

    sender_slots := reserve_slots(senders, sender_rates, at);
    update deliveries set next_attempt_at = slot_at, sender_slot_at = slot_at
    from unnest(ids, sender_slots) as put_off(id, slot_at)
    where slot_at > at + longest_hold and message_id = put_off.id;
    provider_slots := reserve_slots(
      providers, array(
        select case when slot_at <= at + longest_hold then rate end
        from unnest(rates, sender_slots) with ordinality as message(rate, slot_at, n) order by n), at);

    return query
    with taken as (
      update deliveries
      set status = 'sending', next_attempt_at = at + longest_hold + lease_ms * interval '1 millisecond',
          attempt_count = attempt_count + 1,
          -- Whoever had it before did not say how it ended.
          may_have_been_sent = may_have_been_sent or status = 'sending',
          provider = ready.provider, sender_slot_at = null, updated_at = at
      from unnest(ids, lane_numbers, providers, sender_slots, provider_slots) with ordinality
        as ready(id, n, provider, sender_slot_at, provider_slot_at, place)
      where ready.sender_slot_at <= at + longest_hold and message_id = ready.id
      returning place, n, greatest(ready.sender_slot_at, provider_slot_at) - at as hold, deliveries.*
    )
    select n, extract(epoch from hold)::float8 * 1000, id, messages.conversation_id, type, "from", "to", cc, bcc,
      reply_to, subject, body, attachments, "timestamp", delivery_key, attempt_count, retry_count, may_have_been_sent,
      messages.created_at, send_at, expires_at
    from taken join messages on messages.id = message_id
    order by place;
  end $$;
`;
