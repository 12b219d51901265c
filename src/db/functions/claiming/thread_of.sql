-- The thread of an email that answers the message `target`: the Message-ID of the target on the wire, and the References, oldest
-- first and at most 50 of them: the first and the last ones, as RFC 5322, section 3.6.4, wants the chain to begin with its root.
-- The chain is that of the target's own headers. The emails that other emails name could be of other people, who would learn their
-- Message-IDs.
create or replace function thread_of(target bigint, out in_reply_to text, out reference_ids text[])
language plpgsql stable
set search_path from current
set enable_seqscan = off as $$
begin
  select wire_id, coalesce(emails.reference_ids, sent_reference_ids, '{}') || array_remove(array[wire_id], null)
  into in_reply_to, reference_ids
  from emails cross join lateral (select coalesce(wire_message_id, internet_message_id) as wire_id) as own
  where message_id = target;
  reference_ids := coalesce(reference_ids, '{}');
  if cardinality(reference_ids) > 50 then
    reference_ids := reference_ids[1:1] || reference_ids[cardinality(reference_ids) - 48:];
  end if;
end $$;
