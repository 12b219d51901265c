-- The rows of an import (import_suppressions), with the rank of each among the rows for the same entry.
create or replace function rows_to_import(input json)
returns table (
  rank int, hash bytea, address text, channel text, scope text, sender text, reason text, note text, created_at timestamptz)
language sql stable
set search_path from current as $$
  select row_number() over (partition by address_hash, scope, sender order by n), decode(address_hash, 'hex'), address, channel,
    scope, sender, reason, note, created_at
  from json_to_recordset(input) as given(
    n int, address_hash text, address text, channel text, scope text, sender text, reason text, note text,
    created_at timestamptz)
$$;
