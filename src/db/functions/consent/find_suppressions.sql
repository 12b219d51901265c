-- The entries of the ledger that stop messages. The arguments have one element for each recipient: the hash of the address, and the
-- sender and the purpose of its message. Returns the number of the recipient, from 1, and the id of the entry, for each recipient
-- the entry with the widest scope first. The ledger has senders in lower case, because the case of a sender id does not count.
-- With a generic plan, because planning takes ten times as long as the lookups.
create or replace function find_suppressions(hashes bytea[], senders text[], purposes text[])
  returns table (n int, suppression_id bigint)
language plpgsql stable rows 1
set search_path from current
set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
begin
  return query
  select recipient.n::int, entry.id
  from unnest(hashes, senders, purposes) with ordinality as recipient(address_hash, sender, purpose, n)
  -- OFFSET keeps the planner from other joins than one index lookup for each recipient.
  cross join lateral (
    select id, scope from suppressions
    where suppressions.address_hash = recipient.address_hash
      and (scope <> 'sender' or suppressions.sender = lower(recipient.sender)) and stops(reasons, recipient.purpose)
    offset 0
  ) as entry
  order by recipient.n, array_position(array['all', 'channel', 'sender'], entry.scope), entry.id;
end $$;
