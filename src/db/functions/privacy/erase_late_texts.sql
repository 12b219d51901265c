-- Erases the texts of those of the messages whose content was erased before this transaction added texts: after the erasure of a
-- message, results and receipts of its attempts can still arrive.
create or replace function erase_late_texts(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  redacted bigint[];
begin
  -- An erasure that is under way holds this lock until it is committed, and is visible afterwards.
  perform from deliveries where message_id = any(ids) order by message_id for no key update;
  redacted := array(select id from messages where id = any(ids) and redacted_at is not null);
  if cardinality(redacted) > 0 then
    perform erase_texts(redacted, true);
  end if;
end $$;
