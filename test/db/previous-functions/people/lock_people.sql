-- The lock on people, until the commit: one transaction at a time links participants, regroups their conversations, or adds
-- conversations. All versions of the service use the same number.
create or replace function lock_people() returns void
language sql
set search_path from current as $$
  select pg_advisory_xact_lock(4281907001)
$$;
