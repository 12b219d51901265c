create or replace function lock_provider_message_ids(ids text[]) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hash)
  from (select distinct hashtextextended(id, 0) as hash from unnest(ids) as given(id) order by 1) as hashes;
end $$;
