-- Records the parts of emails that texts do not have, of messages that insert_messages has inserted; `input`, `ids` and `inserted`
-- are those of this function.
create or replace function record_emails(input json, ids bigint[], inserted boolean[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into emails (
    message_id, is_html, text, stripped_text, headers, names, url_files, internet_message_id, in_reply_to_id, reference_ids,
    delivered_to, auto_reply, spam, raw_media_id, unsubscribe_key)
  select ids[n], is_html, text, stripped_text, headers, names, url_files, internet_message_id, in_reply_to_id, reference_ids,
    delivered_to, auto_reply, spam, raw_media_id, unsubscribe_key
  from json_to_recordset(input) as message(n int, email json)
  cross join lateral json_to_record(email) as parts(
    is_html boolean, text text, stripped_text text, headers jsonb, names jsonb, url_files jsonb, internet_message_id text,
    in_reply_to_id bigint, reference_ids text[], delivered_to text[], auto_reply boolean, spam jsonb, raw_media_id bigint,
    unsubscribe_key uuid)
  where inserted[n] and email is not null;

  insert into email_message_ids (internet_message_id, message_id)
  select email ->> 'internet_message_id', ids[n]
  from json_to_recordset(input) as message(n int, email json)
  where inserted[n] and email ->> 'internet_message_id' is not null;
end $$;
