-- Whether an entry with these reasons stops a message with this purpose. `consent` is an automatic reply to a keyword, which the
-- request to stop does not stop. Without SET, so that the planner inlines it.
create or replace function stops(reasons text[], purpose text) returns boolean
language sql immutable as $$
  select case purpose
    when 'marketing' then true
    when 'consent' then not reasons <@ array['stop_keyword', 'provider_opt_out', 'unsubscribe']
    else not reasons <@ array['unsubscribe']
  end
$$;
