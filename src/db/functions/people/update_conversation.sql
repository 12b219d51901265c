-- Sets the external_id and the metadata of the primary conversation of a conversation; `changes` has the new values. Returns
-- the primary conversation; null if the conversation does not exist.
-- A value that the primary conversation already shows is not stored again. A removed value is also removed from the merged
-- conversations, and an external_id of a merged conversation moves. Raises unique_violation if another conversation has the
-- external_id.
create or replace function update_conversation(conversation_id bigint, changes jsonb) returns bigint
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  target bigint;
  shown_external_id text;
  shown_metadata jsonb;
  new_external_id text := changes ->> 'external_id';
  new_metadata jsonb := changes -> 'metadata';
begin
  loop
    select coalesce(merged_into_id, id) into target from conversations where id = conversation_id;
    if target is null then
      return null;
    end if;
    select external_id, nullif(own_metadata, '{}') into shown_external_id, shown_metadata
    from conversations where id = target for no key update;
    -- The conversation may have been merged or separated before the lock.
    exit when target = (select coalesce(merged_into_id, id) from conversations where id = conversation_id);
  end loop;

  if changes -> 'external_id' is not null then
    -- Without LIMIT, with which the planner may read the conversations in the order of their ids.
    shown_external_id := coalesce(shown_external_id, (
      select (array_agg(external_id order by id))[1] from conversations
      where merged_into_id = target and external_id is not null));
    if new_external_id is distinct from shown_external_id then
      update conversations set external_id = null
      where merged_into_id = target and external_id is not null
        and (new_external_id is null or external_id = new_external_id);
      update conversations set external_id = new_external_id where id = target;
    end if;
  end if;

  if new_metadata is not null then
    shown_metadata := coalesce(shown_metadata, (
      select own_metadata from conversations where id = (
        select (array_agg(id order by id))[1] from conversations where merged_into_id = target and own_metadata <> '{}')
    ), '{}');
    if new_metadata <> shown_metadata then
      update conversations set own_metadata = '{}' where merged_into_id = target and own_metadata <> '{}' and new_metadata = '{}';
      update conversations set own_metadata = new_metadata where id = target;
    end if;
  end if;
  return target;
end $$;
