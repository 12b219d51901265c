-- Ends partly sent messages: the recipients who wait for another attempt, those without a row, have failed with this error. Returns
-- the summary of all recipients. The caller has locked the deliveries, and moves them to the summary in one statement, so that
-- the feed has one event.
create or replace function fail_open_recipients(ids bigint[], errors jsonb[])
  returns table (message_id bigint, status text, error jsonb)
language plpgsql rows 1
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
begin
  insert into delivery_recipients (message_id, position, address, status, error, provider)
  select message_id, n, address, 'failed', open.error, deliveries.provider
  from unnest(ids, errors) as open(message_id, error)
  join deliveries using (message_id)
  join messages on messages.id = message_id
  cross join lateral unnest("to" || cc || bcc) with ordinality as recipient(address, n)
  on conflict do nothing;
  return query select * from recipient_summaries(ids);
end $$;
