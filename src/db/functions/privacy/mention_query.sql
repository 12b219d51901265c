-- The query of the search index that matches all messages which name the address, and others; null for an address without a
-- pattern.
create or replace function mention_query(address text) returns tsquery
language sql immutable
set search_path from current as $$
  select case when mention_pattern(address) is not null then (
    select string_agg('''' || left(word, 500) || '''', ' & ')
    from string_to_table(trim(message_words('sms', address, '{}', null, null, null, '')), ' ') as word)::tsquery end
$$;
