-- The order of statuses: a receipt never moves a delivery back.
create or replace function status_rank(status text) returns int
language sql immutable as $$
  select case status
    when 'scheduled' then 0 when 'queued' then 1 when 'sending' then 2 when 'unknown' then 3 when 'sent' then 4 else 5 end
$$;
