-- Locks provider message ids until the commit. A transaction that stores the id of a message and a transaction that stores
-- a receipt for the same id run one after the other, so that the later transaction reads the rows of the earlier. All
-- transactions lock in the same order, so that they do not deadlock.
create or replace function lock_provider_message_ids(ids text[]) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hash)
  from (select distinct hashtextextended(id, 0) as hash from unnest(ids) as given(id) order by 1) as hashes;
end $$;
