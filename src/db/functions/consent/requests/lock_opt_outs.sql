-- Locks the requests of addresses until the commit, so that transactions with requests of one address run one after the other.
-- All transactions lock in the same order, so that they do not deadlock.
create or replace function lock_opt_outs(addresses text[]) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hash)
  from (select distinct hashtextextended(address, 1) as hash from unnest(addresses) as given(address) order by 1) as hashes;
end $$;
