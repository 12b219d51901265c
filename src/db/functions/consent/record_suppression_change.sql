-- Records that a reason was added to an entry of the ledger, or removed, and appends the event. `entry` has the reasons after the
-- change, `input` the source of the change (change_suppressions).
create or replace function record_suppression_change(entry suppressions, change text, reason text, input json) returns void
language plpgsql
set search_path from current as $$
declare
  change_id bigint;
begin
  insert into suppression_changes (
    suppression_id, address_hash, address, channel, scope, sender, change, reason, reasons, message_id, receipt_id, account,
    actor, note)
  select entry.id, entry.address_hash, entry.address, entry.channel, entry.scope, entry.sender, change, reason, entry.reasons,
    source.*
  from json_to_record(input) as source(message_id bigint, receipt_id bigint, account text, actor text, note text)
  returning id into change_id;
  perform append_events(array['suppression.' || change], array[change_id], array[null::bigint]);
end $$;
