-- Serialises, until the commit, the transaction that stores a provider's message id with those that store receipts for it:
-- the later one sees what the earlier one wrote. All transactions lock in one order, so that they do not deadlock.
create or replace function lock_provider_message_ids(ids text[]) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hash)
  from (select distinct hashtextextended(id, 0) as hash from unnest(ids) as given(id) order by 1) as hashes;
end $$;
