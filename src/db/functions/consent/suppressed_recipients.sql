-- The recipients of outbound messages whom the ledger stops now, each with the strongest reason of the entry with the widest
-- scope, and those who were erased (`erased`). Recipients with a row are omitted: they were left out before (leave_out_suppressed), or an earlier call has settled them
-- (settle_recipients).
-- With a generic plan, because planning takes ten times as long as the lookups.
create or replace function suppressed_recipients(ids bigint[])
  returns table (message_id bigint, "position" smallint, reason text)
language plpgsql stable rows 1
set search_path from current
set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  select deliveries.message_id, recipient.position::smallint, coalesce(entry.reason, 'erased')
  from deliveries join messages on messages.id = deliveries.message_id
  cross join lateral unnest(recipient_hashes, "to" || cc || bcc) with ordinality as recipient(address_hash, address, position)
  left join lateral (
    select reasons[1] as reason from suppressions
    where suppressions.address_hash = recipient.address_hash and (scope <> 'sender' or suppressions.sender = lower(messages."from"))
      and stops(reasons, coalesce(purpose, 'conversational'))
    order by array_position(array['all', 'channel', 'sender'], scope), id limit 1
  ) as entry on true
  where (entry.reason is not null or is_erased(address)) and deliveries.message_id = any(ids)
    and not exists (
      select from delivery_recipients as own
      where own.message_id = deliveries.message_id and own.position = recipient.position);
end $$;
