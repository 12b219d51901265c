-- A step of an erasure: messages that name an erased address, such as blind copies, among the next messages of all conversations
-- that existed when the participants lost their addresses. `inner_position` of the erasure is the last message that is done.
-- Examines a limited number of messages, because the words of an address can be in all of them; in small windows, because the
-- matches of a window are searched again for each page.
create or replace function erase_mentions(erasure erasures, replacements text[], max_messages int) returns erasures
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  window_size constant int := 5000;
  windows_left int := 10;
  query constant tsquery := (
    select string_agg('(' || mention_query(address)::text || ')', ' | ') from unnest(erasure.addresses) as address);
  start bigint := coalesce(erasure.inner_position, 0);
  window_end bigint;
  page bigint[];
  done bigint[];
  result record;
begin
  loop
    window_end := least(start + window_size, erasure.last_message_id);
    page := array(
      select id from (
        select id from messages
        where query is not null and id > start and id <= window_end
          and coalesce(document, message_document(message_words(type, "from", "to", cc, bcc, subject, body))) @@ query
          and names_any(concat_ws(' ', "from", "to"::text, cc::text, bcc::text, subject, body), erasure.addresses)
        union
        select id from messages where reply_to = any(erasure.addresses) and id > start and id <= window_end
      ) as naming
      order by id limit max_messages);
    windows_left := windows_left - 1;
    exit when page <> '{}' or window_end = erasure.last_message_id or windows_left = 0;
    start := window_end;
  end loop;
  select * into result from erase_page('{}', page, erasure.addresses, replacements);
  done := array(select id from unnest(page) as id where id <= result.last);
  if cardinality(done) > 0 then
    perform erase_event_texts(done, true, true);
  end if;
  erasure.counts := add_counts(erasure.counts, result.counts);
  erasure.waits := result.waits;
  if erasure.waits then
    erasure.inner_position := coalesce(result.last, start);
  elsif cardinality(page) = max_messages then
    erasure.inner_position := result.last;
  elsif window_end < erasure.last_message_id then
    erasure.inner_position := window_end;
  else
    erasure.step := 'events';
    erasure.inner_position := null;
  end if;
  return erasure;
end $$;
