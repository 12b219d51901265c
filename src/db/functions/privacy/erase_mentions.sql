-- A step of an erasure: the next messages that name an erased address, such as blind copies. `inner_position` of the erasure is the last
-- message that is done.
create or replace function erase_mentions(erasure erasures, replacements text[], max_messages int) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  query constant tsquery := (
    select string_agg('(' || mention_query(address)::text || ')', ' | ') from unnest(erasure.addresses) as address);
  page bigint[];
  result record;
begin
  page := array(
    select id from (
      select id from messages
      where query is not null and id > coalesce(erasure.inner_position, 0)
        and coalesce(document, message_document(message_words(type, "from", "to", cc, bcc, subject, body))) @@ query
        and names_any(concat_ws(' ', "from", "to"::text, cc::text, bcc::text, subject, body), erasure.addresses)
      union
      select id from messages where reply_to = any(erasure.addresses) and id > coalesce(erasure.inner_position, 0)
    ) as naming
    order by id limit max_messages);
  if page = '{}' then
    erasure.step := 'events';
    erasure.inner_position := null;
    return erasure;
  end if;
  select * into result from erase_page('{}', page, erasure.addresses, replacements);
  erasure.waits := result.waits;
  erasure.counts := add_counts(erasure.counts, result.counts);
  erasure.inner_position := coalesce(result.last, erasure.inner_position);
  return erasure;
end $$;
