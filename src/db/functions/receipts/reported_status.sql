-- The status that the word of a receipt reports, as in docs/states.md; null if the word changes nothing.
create or replace function reported_status(word text) returns text
language sql immutable as $$
  select case
    when word in ('sending', 'sent') then 'sent'
    when word in ('delivered', 'read') then 'delivered'
    when word in ('undelivered', 'undeliverable', 'bounced', 'expired') then 'undelivered'
    when word in ('failed', 'rejected', 'dropped') then 'failed'
  end
$$;
