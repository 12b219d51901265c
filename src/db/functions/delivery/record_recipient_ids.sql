-- Stores the provider's ids of recipients in settled attempts (settle_deliveries), for messages that the attempts sent.
create or replace function record_recipient_ids(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  sent bigint[] := array(
    select message_id
    from json_to_recordset(input) as attempt(id bigint, provider text, provider_message_id text, recipients json)
    join deliveries on message_id = id and deliveries.provider = attempt.provider
      and deliveries.provider_message_id = attempt.provider_message_id
    where recipients is not null);
begin
  perform add_recipients(sent);
  update delivery_recipients as recipient set provider_message_id = named.provider_message_id
  from json_to_recordset(input) as attempt(id bigint, recipients json)
  cross join lateral json_to_recordset(recipients) as named(address text, provider_message_id text)
  where attempt.id = any(sent) and recipient.message_id = attempt.id and recipient.address = named.address
    and recipient.provider_message_id is null and recipient.provider is not null;
end $$;
