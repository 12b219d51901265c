-- The mark that the word of a receipt of an email reports, as in docs/states.md; null for any other word.
create or replace function reported_mark(word text) returns text
language sql immutable as $$
  select case when word in ('complained', 'unsubscribed', 'opened', 'clicked') then word end
$$;
