-- Records the marks and bounces that receipts report about recipients of emails, and appends an event for the first report of each.
-- A mark keeps the earliest time. A bounce counts if the recipient is `undelivered`. The receipts were applied in this transaction,
-- which has locked their deliveries.
create or replace function record_marks(receipt_ids bigint[]) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  types text[];
  message_ids bigint[];
  conversation_ids bigint[];
  changes jsonb[];
begin
  with reported as materialized (
    select distinct on (concerned.message_id, concerned.position, mark) concerned.message_id, concerned.position, mark, receipt.id,
      receipt.occurred_at, conversation_id,
      case when mark = 'bounced' then receipt.bounce end as bounce, case when mark = 'bounced' then receipt.error end as error
    from concerned_recipients(receipt_ids) as concerned
    join delivery_receipts as receipt on receipt.id = receipt_id
    join deliveries on deliveries.message_id = concerned.message_id
    left join delivery_recipients as own on own.message_id = concerned.message_id and own.position = concerned.position
    cross join lateral (
      select coalesce(reported_mark(receipt.status), case
        when reported_status(receipt.status) = 'undelivered' and coalesce(own.status, deliveries.status) = 'undelivered'
        then 'bounced' end) as mark
    ) as report
    where mark is not null
    -- The first bounce in the order of arrival has changed the status.
    order by concerned.message_id, concerned.position, mark, case when mark <> 'bounced' then receipt.occurred_at end, receipt.id
  ), corrected as (
    update recipient_marks as own set occurred_at = reported.occurred_at
    from reported
    where own.message_id = reported.message_id and own.position = reported.position and own.mark = reported.mark
      and own.mark <> 'bounced' and own.occurred_at > reported.occurred_at
  ), added as (
    insert into recipient_marks (message_id, position, mark, occurred_at)
    select message_id, position, mark, occurred_at from reported
    on conflict do nothing
    returning message_id, position, mark
  )
  select array_agg('recipient.' || mark order by id, position), array_agg(message_id order by id, position),
    array_agg(conversation_id order by id, position),
    array_agg(jsonb_build_object(
      'position', position, 'bounce', bounce, 'error', error, 'occurred_at', occurred_at) order by id, position)
  into types, message_ids, conversation_ids, changes
  from added join reported using (message_id, position, mark);
  if types is not null then
    perform append_events(types, message_ids, conversation_ids, changes);
  end if;
end $$;
