-- The thread of an email that answers the message `target`: the Message-ID of the target on the wire, and the References, oldest
-- first and at most 50 of them: the first and the last ones, as RFC 5322, section 3.6.4, wants the chain to begin with its root.
create or replace function thread_of(target bigint, out in_reply_to text, out reference_ids text[])
language plpgsql stable
set search_path from current
set enable_seqscan = off as $$
begin
  with recursive chain(depth, wire_id, earlier, next_id) as (
    select 1, coalesce(wire_message_id, internet_message_id), emails.reference_ids, in_reply_to_id
    from emails where message_id = target
    union all
    -- An inbound email has the references of the emails before it.
    select depth + 1, coalesce(wire_message_id, internet_message_id), emails.reference_ids, in_reply_to_id
    from chain join emails on message_id = next_id
    where earlier is null and depth < 100
  )
  select
    (select wire_id from chain where depth = 1),
    coalesce((select earlier from chain where earlier is not null limit 1), '{}'::text[])
      || array(select wire_id from chain where wire_id is not null order by depth desc)
  into in_reply_to, reference_ids;
  if cardinality(reference_ids) > 50 then
    reference_ids := reference_ids[1:1] || reference_ids[cardinality(reference_ids) - 48:];
  end if;
end $$;
