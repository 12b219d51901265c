-- Replaces addresses in messages, in the texts of these messages and in everything that is stored about them but events. Raw
-- payloads that have an address are erased whole, and all raw emails, because an encoding can hide an address. The caller has
-- locked the deliveries. Returns {files, receipts}.
create or replace function erase_addresses(ids bigint[], addresses text[], replacements text[]) returns jsonb
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  files constant int := erase_raw_emails(ids);
  named_files bigint[];
begin
  update messages
  set "from" = replace_mentions("from", addresses, replacements), "to" = replace_in_list("to", addresses, replacements),
      cc = replace_in_list(cc, addresses, replacements), bcc = replace_in_list(bcc, addresses, replacements),
      reply_to = replace_mentions(reply_to, addresses, replacements),
      subject = replace_mentions(subject, addresses, replacements), body = replace_mentions(body, addresses, replacements),
      attachments = replace_in_list(attachments, addresses, replacements),
      metadata = replace_mentions(metadata::text, addresses, replacements)::jsonb,
      -- An id of the provider stays, so that a redelivery is recognised.
      provider_message_id = case when names_any(provider_message_id, addresses) then 'erased-' || id else provider_message_id end,
      payload = case when not names_any(payload::text, addresses) then payload end
  where id = any(ids);

  update emails
  set text = replace_mentions(text, addresses, replacements),
      stripped_text = replace_mentions(stripped_text, addresses, replacements),
      headers = replace_mentions(headers::text, addresses, replacements)::jsonb,
      names = names - addresses, url_files = replace_mentions(url_files::text, addresses, replacements)::jsonb,
      spam = replace_mentions(spam::text, addresses, replacements)::jsonb,
      delivered_to = replace_in_list(delivered_to, addresses, replacements),
      internet_message_id = case when not names_any(internet_message_id, addresses) then internet_message_id end,
      wire_message_id = case when not names_any(wire_message_id, addresses) then wire_message_id end,
      sent_in_reply_to = case when not names_any(sent_in_reply_to, addresses) then sent_in_reply_to end,
      reference_ids = case when not names_any(reference_ids::text, addresses) then reference_ids end,
      sent_reference_ids = case when not names_any(sent_reference_ids::text, addresses) then sent_reference_ids end
  where message_id = any(ids);
  delete from email_message_ids where message_id = any(ids) and names_any(internet_message_id, addresses);

  update deliveries set error = replace_mentions(error::text, addresses, replacements)::jsonb
  where message_id = any(ids) and names_any(error::text, addresses);
  update delivery_recipients
  set address = replace_mentions(address, addresses, replacements),
      error = replace_mentions(error::text, addresses, replacements)::jsonb
  where message_id = any(ids) and (address = any(addresses) or names_any(error::text, addresses));
  update delivery_attempts set detail = replace_mentions(detail, addresses, replacements)
  where message_id = any(ids) and names_any(detail, addresses);
  update message_media set name = null where message_id = any(ids) and is_in_key(name, addresses);
  named_files := array(
    select id from media
    where id in (select media_id from message_media where message_id = any(ids)) and is_in_key(name, addresses)
    order by id for no key update);
  update media set name = null where id = any(named_files);
  return jsonb_build_object('files', files, 'receipts',
    erase_receipts(array(select id from delivery_receipts where message_id = any(ids)), addresses, replacements));
end $$;
