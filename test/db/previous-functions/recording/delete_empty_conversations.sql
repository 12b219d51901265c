-- Deletes the empty conversations that this transaction created for repeated messages, whose first message is in another
-- conversation. These conversations are not visible to other transactions.
create or replace function delete_empty_conversations(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  empty bigint[] := array(
    select id from conversations
    where id = any(ids) and message_count = 0 and xmin = pg_current_xact_id()::xid);
begin
  delete from conversation_participants where conversation_id = any(empty);
  delete from conversations where id = any(empty);
end $$;
