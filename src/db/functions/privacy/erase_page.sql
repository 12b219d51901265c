-- Erases the content of the messages `own`, and addresses in these and in `others`, in the order of the ids. `last` is the last
-- message that is done. Responses of endpoints stay. If the worker calls a provider for a message, this message and the later ones
-- are left, and `waits` is true.
create or replace function erase_page(
  own bigint[], others bigint[], addresses text[], replacements text[], out last bigint, out waits boolean, out counts jsonb)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  in_flight bigint;
  erased json;
  keys int;
begin
  perform from deliveries where message_id = any(own || others) order by message_id for update;
  counts := jsonb_build_object('canceled', stop_deliveries(own));
  -- The worker has the message, and is going to store the result.
  select min(message_id) into in_flight from deliveries where message_id = any(own || others) and status = 'sending';
  waits := in_flight is not null;
  if waits then
    own := array(select id from unnest(own) as id where id < in_flight);
    others := array(select id from unnest(others) as id where id < in_flight);
  end if;
  last := (select max(id) from unnest(own || others) as id);

  delete from idempotency_keys where message_id = any(own) or message_id = any(others) and is_in_key(key, addresses);
  get diagnostics keys = row_count;
  delete from email_message_ids where message_id = any(own);
  update emails
  set internet_message_id = null, wire_message_id = null, sent_in_reply_to = null, sent_reference_ids = null, reference_ids = null,
      delivered_to = null
  where message_id = any(own);
  erased := erase_stored_contents(own, true, false);
  counts := add_counts(counts, jsonb_build_object(
    'messages', erased -> 'messages', 'files', erased -> 'media', 'receipts', erased -> 'receipts', 'mentions', cardinality(others),
    'idempotency_keys', keys));
  counts := add_counts(counts, erase_addresses(own || others, addresses, replacements));
end $$;
