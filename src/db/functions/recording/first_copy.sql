-- The id of the message that a copy is: the earliest message with the same key, within ten minutes, that has no copy for this
-- recipient yet; without such a message, the id of the copy itself. So the first copies for each recipient are one message, and
-- the second copies are another message, in every order. A repeated copy has the same result. Deletes some old copies.
create or replace function first_copy(
  account text, copy_id text, copy_key text, copy_recipient text, copy_received_at timestamptz) returns text
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  result text;
begin
  -- Copies of one message can arrive at the same time.
  perform pg_advisory_xact_lock(hashtextextended(account || ' ' || copy_key, 0));
  select first_id into result from inbound_copies
  where provider = account and provider_message_id = copy_id;
  if result is not null then
    return result;
  end if;

  select first_id into result from inbound_copies
  where provider = account and inbound_copies.copy_key = first_copy.copy_key
    and received_at between copy_received_at - interval '10 minutes' and copy_received_at + interval '10 minutes'
  group by first_id having not bool_or(recipient = copy_recipient)
  order by min(received_at), first_id limit 1;
  result := coalesce(result, copy_id);
  insert into inbound_copies (provider, provider_message_id, copy_key, recipient, first_id, received_at)
  values (account, copy_id, first_copy.copy_key, copy_recipient, result, copy_received_at)
  on conflict do nothing;

  delete from inbound_copies where (provider, provider_message_id) in (
    select provider, provider_message_id from inbound_copies
    where created_at < clock_timestamp() - interval '30 days'
    order by created_at limit 10 for update skip locked);
  return result;
end $$;
