-- Adds the recipients of accepted messages, with the current status of the message. Locks the deliveries until the commit, so
-- that a transaction that changes one recipient of a message reads the committed statuses of the other recipients.
create or replace function add_recipients(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  perform from deliveries where message_id = any(ids) order by message_id for no key update;
  insert into delivery_recipients (message_id, position, address, status, error, provider, updated_at)
  select message_id, n, address, status, error, deliveries.provider, updated_at
  from deliveries join messages on messages.id = message_id
  cross join lateral unnest("to" || cc || bcc) with ordinality as recipient(address, n)
  where message_id = any(ids) and status in ('sent', 'delivered', 'undelivered', 'failed') and deliveries.provider is not null
  on conflict do nothing;
end $$;
