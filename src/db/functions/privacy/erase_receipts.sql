-- Replaces addresses in those of the receipts that name one, and erases their payloads. Returns the number of these receipts.
create or replace function erase_receipts(ids bigint[], addresses text[], replacements text[]) returns int
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  changed int;
begin
  update delivery_receipts
  set recipient = replace_mentions(recipient, addresses, replacements), payload = '{}',
      error = replace_mentions(error::text, addresses, replacements)::jsonb,
      wire_message_id = case when not names_any(wire_message_id, addresses) then wire_message_id end,
      -- As in with_erased_recipients, so that a repeated receipt is recognised.
      dedupe_key = case
        when recipient = any(addresses) or names_any(dedupe_key, addresses)
        then encode(sha256(convert_to(dedupe_key, 'UTF8')), 'hex') else dedupe_key end
  where id = any(ids)
    and (recipient = any(addresses) or names_any(concat_ws(' ', payload, error, wire_message_id, dedupe_key), addresses));
  get diagnostics changed = row_count;
  return changed;
end $$;
