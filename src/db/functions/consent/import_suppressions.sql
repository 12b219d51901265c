-- Adds a reason to many entries of the ledger, as add_suppression does to one. `input` has for each row of the import, numbered by
-- "n": {n, address_hash (hexadecimal), address, channel, scope, sender, reason, note, created_at}; `created_at` may be null.
-- `by` is the API key. Entries are locked in the order of the hashes, as in change_suppressions, so that callers do not deadlock.
-- Rows for one entry are added one after the other.
create or replace function import_suppressions(input json, by text)
returns table (added int, changed int, unchanged int)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  repeats int;
  counted record;
begin
  added := 0;
  changed := 0;
  unchanged := 0;
  select coalesce(max(rank), 0) into repeats from rows_to_import(input);
  for round in 1 .. repeats loop
    select * into counted from import_suppression_round(input, by, round);
    added := added + counted.added;
    changed := changed + counted.changed;
    unchanged := unchanged + counted.unchanged;
  end loop;
  return next;
end $$;
