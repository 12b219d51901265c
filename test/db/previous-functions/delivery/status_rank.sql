-- The rank of a status. A receipt never moves a delivery to a status with a lower or equal rank.
create or replace function status_rank(status text) returns int
language sql immutable as $$
  select case status
    when 'scheduled' then 0 when 'queued' then 1 when 'sending' then 2 when 'unknown' then 3 when 'sent' then 4 else 5 end
$$;
