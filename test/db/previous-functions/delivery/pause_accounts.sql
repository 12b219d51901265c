-- Pauses the accounts that throttled an attempt, for all workers.
create or replace function pause_accounts(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into rate_limit_slots as slots (name, next_at)
  select provider, statement_timestamp() + max(pause_ms) * interval '1 millisecond'
  from json_to_recordset(input) as attempt(provider text, pause_ms float8)
  where pause_ms > 0 group by provider order by provider
  on conflict (name) do update set next_at = greatest(slots.next_at, excluded.next_at);
end $$;
