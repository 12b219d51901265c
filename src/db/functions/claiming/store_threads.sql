-- Stores the threads of emails at their first claim. The Message-ID that an answered email had on the wire can become known later; a
-- repeat with an idempotency key must have the content of the first call. The caller has locked the deliveries.
create or replace function store_threads(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  update emails set sent_in_reply_to = thread.in_reply_to, sent_reference_ids = thread.reference_ids
  from (
    select message_id, known.*
    from emails cross join lateral thread_of(in_reply_to_id) as known
    where message_id = any(ids) and in_reply_to_id is not null and sent_reference_ids is null
  ) as thread
  where emails.message_id = thread.message_id;
end $$;
