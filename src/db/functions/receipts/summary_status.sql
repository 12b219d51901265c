-- The status of a message with these statuses of its recipients, as in docs/states.md.
create or replace function summary_status(statuses text[]) returns text
language sql immutable as $$
  select case
    when 'sent' = any(statuses) then 'sent'
    when 'delivered' = all(statuses) then 'delivered'
    when 'failed' = all(statuses) then 'failed'
    else 'undelivered'
  end
$$;
