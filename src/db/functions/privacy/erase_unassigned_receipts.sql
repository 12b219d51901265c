-- A step of an erasure: the next receipts without a message, that arrived before the participants lost their addresses.
-- `inner_position` of the erasure is the last receipt that is done.
create or replace function erase_unassigned_receipts(erasure erasures, replacements text[], max_receipts int) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  page bigint[];
begin
  page := array(
    select id from delivery_receipts
    where message_id is null and id > coalesce(erasure.inner_position, 0)
      and received_at <= (select max(erased_at) from participants where id = any(erasure.participant_ids))
    order by id limit max_receipts);
  erasure.counts := add_counts(erasure.counts, jsonb_build_object(
    'receipts', erase_receipts(page, erasure.addresses, replacements)));
  if cardinality(page) < max_receipts then
    erasure.step := 'consent';
    erasure.inner_position := null;
  else
    erasure.inner_position := page[cardinality(page)];
  end if;
  return erasure;
end $$;
