-- The provider's ids of recipients in settled attempts (settle_deliveries).
create or replace function recipient_ids(input json) returns text[]
language sql immutable as $$
  select array_agg(recipient ->> 'provider_message_id')
  from json_to_recordset(input) as attempt(recipients json)
  cross join lateral json_array_elements(recipients) as recipient
$$;
