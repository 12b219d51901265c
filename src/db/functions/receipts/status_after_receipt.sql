-- The status of a message or recipient after a receipt that reports `reported`, as in docs/states.md. For email, `undelivered`
-- may follow `delivered`: a mailbox can refuse an email that its server has accepted.
create or replace function status_after_receipt(status text, reported text, channel text) returns text
language sql immutable as $$
  select case
    when status = 'sent' and reported in ('delivered', 'undelivered', 'failed') then reported
    when status = 'delivered' and reported = 'undelivered' and channel = 'email' then reported
    else status
  end
$$;
