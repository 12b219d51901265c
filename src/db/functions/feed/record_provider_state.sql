-- Records whether an account is available and appends an event, unless the last event reports the same state. `state` is the
-- `data` of the event. `confirms`: an account that was available all the time for one worker ends only an unavailability of
-- more than a minute, which the worker that reported it may not end any more.
-- Returns whether an event was appended.
create or replace function record_provider_state(account text, available boolean, confirms boolean, state jsonb)
  returns boolean
language plpgsql
set search_path from current as $$
begin
  if available then
    delete from unavailable_providers
    where name = account and (not confirms or since < clock_timestamp() - interval '1 minute');
  else
    insert into unavailable_providers (name) values (account) on conflict do nothing;
  end if;
  if not found then
    return false;
  end if;
  perform append_events(
    array[case when available then 'provider.recovered' else 'provider.unavailable' end], array[null::bigint],
    array[null::bigint], array[state]);
  return true;
end $$;
