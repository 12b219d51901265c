-- Makes the deliveries of the next events for the enabled endpoints after the id `after_id`, in the order of their ids, until
-- there are `batch` deliveries, and moves the positions of these endpoints. Each endpoint gets at most `batch_of_endpoint`
-- deliveries, so that an endpoint far behind does not delay the others. An endpoint with `max_pending` pending deliveries
-- waits, and so do the endpoints `full`. After a replay has moved a position back, existing deliveries begin a new schedule.
-- Results: whether an endpoint is enabled; whether endpoints remain behind the feed; the last endpoint, null if there are no
-- further endpoints; the endpoints with `max_pending` pending deliveries; the number of deliveries.
create or replace function dispatch_events(
  after_id bigint, batch int, batch_of_endpoint int, max_pending int, "full" bigint[],
  out is_used boolean, out is_behind boolean, out last_id bigint, out full_ids bigint[], out dispatched int)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  -- Max positions that one call searches for one endpoint.
  max_searched constant bigint := 5000;
  last_position constant bigint := (select feed_state.last_position from feed_state);
  first_position bigint;
  endpoint record;
  search_end bigint;
  free int;
  found_events int;
  last_found bigint;
begin
  full_ids := '{}';
  dispatched := 0;
  is_used := exists (select from endpoints where enabled);
  is_behind := is_used and exists (
    select from endpoints where enabled and position < last_position and id <> all("full"));
  if not is_behind then
    return;
  end if;
  first_position := (select id from events order by id limit 1);

  for endpoint in
    select id, greatest(position, first_position - 1) as position, event_types from endpoints
    where enabled and position < last_position and id > after_id and id <> all("full")
    order by id
    -- One process at a time for each endpoint.
    for no key update skip locked
  loop
    free := least(batch_of_endpoint, max_pending - (
      select count(*) from (
        select from endpoint_deliveries where endpoint_id = endpoint.id and status = 'pending' limit max_pending
      ) as pending));
    if free = 0 then
      full_ids := full_ids || endpoint.id;
      continue;
    end if;
    search_end := least(last_position, endpoint.position + max_searched);
    with next as materialized (
      select id from events
      where id > endpoint.position and id <= search_end
        and (endpoint.event_types = '{}' or type = any(endpoint.event_types))
      order by id limit free
    ), made as (
      insert into endpoint_deliveries as delivery (endpoint_id, event_id, next_attempt_at)
      select endpoint.id, next.id, statement_timestamp() from next order by next.id
      on conflict (endpoint_id, event_id) do update
        set status = 'pending', schedule_start = delivery.attempt_count, next_attempt_at = statement_timestamp()
        where delivery.lease is null
    )
    select count(*), max(id) into found_events, last_found from next;
    update endpoints set position = case when found_events = free then last_found else search_end end
    where id = endpoint.id;
    dispatched := dispatched + found_events;
    if dispatched >= batch then
      last_id := endpoint.id;
      exit;
    end if;
  end loop;

  is_behind := exists (
    select from endpoints where enabled and position < last_position and id <> all("full" || full_ids));
end $$;
