-- Changes entries of the ledger, one after the other. `input` has for each change, numbered by "n": {n, change, address_hash
-- (hexadecimal), address, channel, scope, sender, reasons, message_id, receipt_id, account, actor, note}.
-- - 'add' adds the first of `reasons`. A reason that the entry has already changes nothing, unless it has another note.
-- - 'remove' removes `reasons`, or all reasons if they are null.
-- Returns, for each `n`, whether the entry has changed. Changes are made in the order of the hashes, so that callers do not
-- deadlock, and for one entry in the order of "n".
create or replace function change_suppressions(input json) returns table (n int, changed boolean)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  given record;
begin
  for given in
    select * from json_to_recordset(input) as wanted(
      n int, change text, address_hash text, address text, channel text, scope text, sender text, reasons text[],
      message_id bigint, receipt_id bigint, account text, actor text, note text)
    order by address_hash, scope, sender, n
  loop
    n := given.n;
    changed := case given.change
      when 'add' then add_suppression(to_json(given))
      else remove_suppression(to_json(given))
    end;
    return next;
  end loop;
end $$;
