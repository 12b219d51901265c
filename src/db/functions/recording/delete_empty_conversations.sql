-- Deletes the empty conversations that this transaction created for repeated messages, whose first message is in another
-- conversation, with the participants that it created for them: a repeated message of an erased participant does not store the address
-- again. These conversations are not visible to other transactions.
create or replace function delete_empty_conversations(ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  empty bigint[] := array(
    select id from conversations
    where id = any(ids) and message_count = 0 and xmin = pg_current_xact_id()::xid);
  members bigint[];
begin
  if cardinality(empty) = 0 then
    return;
  end if;
  members := array(select distinct participant_id from conversation_participants where conversation_id = any(empty));
  delete from conversation_participants where conversation_id = any(empty);
  delete from conversations where id = any(empty);
  delete from participants
  where id = any(members) and xmin = pg_current_xact_id()::xid
    and not exists (select from conversation_participants where participant_id = participants.id);
end $$;
