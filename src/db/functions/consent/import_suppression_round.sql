-- Adds the rows of an import with one rank, which are for different entries (import_suppressions), with their history and events.
create or replace function import_suppression_round(input json, by text, round int)
returns table (added int, changed int, unchanged int)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  change_ids bigint[];
begin
  with given as materialized (
    select * from rows_to_import(input) where rank = round
  ), stored as (
    insert into suppressions as entry (
      address_hash, address, channel, scope, sender, reasons, actor, note, created_at)
    select hash, address, channel, scope, sender, array[reason], by, note, coalesce(created_at, now())
    from given order by hash, scope, sender
    on conflict on constraint suppressions_key do update
    set (reasons, address, updated_at, message_id, receipt_id, account, actor, note) = (
      select reasons, coalesce(entry.address, excluded.address), statement_timestamp(),
        case when first then null else entry.message_id end, case when first then null else entry.receipt_id end,
        case when first then null else entry.account end, case when first then by else entry.actor end,
        case when first then excluded.note else entry.note end
      from (
        select reasons, reasons[1] = excluded.reasons[1] as first
        from add_reason(entry.reasons, excluded.reasons[1]) as reasons
      ) as after)
    where add_reason(entry.reasons, excluded.reasons[1]) <> entry.reasons
      or (entry.reasons[1] = excluded.reasons[1] and excluded.note is not null and excluded.note is distinct from entry.note)
    -- A new row has no xmax.
    returning entry.*, xmax = 0 as is_new
  ), history as (
    insert into suppression_changes (
      suppression_id, address_hash, address, channel, scope, sender, change, reason, reasons, actor, note)
    select id, address_hash, stored.address, stored.channel, stored.scope, stored.sender, 'added', reason, reasons, by, given.note
    from stored join given
      on address_hash = hash and stored.scope = given.scope and stored.sender is not distinct from given.sender
    order by id
    returning id
  )
  select (select count(*) from stored where is_new), (select count(*) from stored where not is_new),
    (select count(*) from given) - (select count(*) from stored), array(select id from history order by id)
  into added, changed, unchanged, change_ids;
  perform append_events(
    array_fill('suppression.added'::text, array[cardinality(change_ids)]), change_ids,
    array_fill(null::bigint, array[cardinality(change_ids)]));
  return next;
end $$;
