-- Adds the reason `unsubscribe` of a recipient who used the link of an email to the ledger. `key` names the email: the entry has
-- its id and the address as long as both are stored. The lock keeps an erasure from removing the address in between, so that an
-- erasure that clears messages before the ledger leaves no address. Returns whether the ledger has changed.
create or replace function unsubscribe(key uuid, hash bytea) returns boolean
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  email record;
begin
  select id, ("to" || cc || bcc)[1] as address into email
  from messages where id = (select message_id from emails where unsubscribe_key = key)
  for share;
  return (
    select changed from change_suppressions(json_build_array(json_build_object(
      'n', 1, 'change', 'add', 'address_hash', encode(hash, 'hex'), 'channel', 'email', 'scope', 'channel',
      -- The address of an erased person has no @.
      'address', case when strpos(email.address, '@') > 0 then email.address end,
      'reasons', array['unsubscribe'], 'message_id', email.id))));
end $$;
