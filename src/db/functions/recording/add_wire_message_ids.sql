-- Stores Message-IDs by which providers replaced those of the service, so that replies to them find their messages. The first one
-- of a message goes into the References of later emails.
create or replace function add_wire_message_ids(message_ids bigint[], wire_ids text[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into email_message_ids (internet_message_id, message_id)
  select wire_id, id from unnest(message_ids, wire_ids) as replaced(id, wire_id)
  where exists (select from emails where message_id = id)
  order by wire_id, id
  on conflict do nothing;
  update emails set wire_message_id = wire_id
  from unnest(message_ids, wire_ids) as replaced(id, wire_id)
  where message_id = id and wire_message_id is null and internet_message_id is distinct from wire_id;
end $$;
