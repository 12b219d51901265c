-- Activates the first pending delivery of each conversation, unless a delivery of the conversation is active already. The
-- active delivery may be later than the first: a scheduled or failed message can be queued while a later message is sent.
create or replace function activate_next_delivery(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update deliveries set next_attempt_at = statement_timestamp()
  from unnest(ids) as released(conversation_id)
  cross join lateral (
    select waiting.message_id, waiting.next_attempt_at from deliveries as waiting
    where waiting.conversation_id = released.conversation_id and waiting.pending
    order by waiting.next_attempt_at is null, waiting.message_id limit 1
  ) as head
  where deliveries.message_id = head.message_id and head.next_attempt_at is null;
end $$;
