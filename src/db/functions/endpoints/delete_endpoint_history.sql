-- Deletes deliveries and attempts whose events are before a position, and those of deleted endpoints: at most `batch` of each for
-- an endpoint, and no further endpoint after `batch` rows, so that the time of a call does not depend on the number of endpoints.
-- A deleted endpoint without such rows is deleted too. Returns the number of deleted rows: a caller calls again until it is 0.
create or replace function delete_endpoint_history(first_position bigint, batch int) returns bigint
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  endpoint record;
  up_to bigint;
  counted bigint;
  deleted bigint := 0;
begin
  for endpoint in select id, deleted_at from endpoints order by id loop
    if endpoint.deleted_at is not null then
      -- Before its deliveries, as settle_endpoint_attempts does. While attempts are being settled, a later call deletes the rows.
      perform from endpoints where id = endpoint.id for no key update skip locked;
      continue when not found;
    end if;
    up_to := case when endpoint.deleted_at is null then first_position - 1 else 9223372036854775807 end;
    delete from endpoint_deliveries
    where endpoint_id = endpoint.id and event_id in (
      select event_id from endpoint_deliveries
      where endpoint_id = endpoint.id and event_id <= up_to order by event_id limit batch);
    get diagnostics counted = row_count;
    deleted := deleted + counted;
    delete from endpoint_attempts
    where id in (
      select id from endpoint_attempts
      where endpoint_id = endpoint.id and event_id <= up_to order by event_id, number limit batch);
    get diagnostics counted = row_count;
    deleted := deleted + counted;
    -- An attempt that is under way could still add rows, which the foreign keys delete.
    delete from endpoints
    where id = endpoint.id and deleted_at is not null
      and not exists (select from endpoint_deliveries where endpoint_id = endpoint.id)
      and not exists (select from endpoint_attempts where endpoint_id = endpoint.id);
    exit when deleted >= batch;
  end loop;
  return deleted;
end $$;
