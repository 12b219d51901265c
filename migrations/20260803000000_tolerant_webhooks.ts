import type { Knex } from 'knex';

/** Inbound messages have senders of every kind, and receipts have statuses that the service does not know. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table participants drop constraint participants_kind_check,
      add constraint participants_kind_check
        check (kind in ('phone', 'short_code', 'alphanumeric', 'email', 'other'));
    alter table delivery_receipts drop constraint delivery_receipts_status_check;
    comment on column delivery_receipts.status is 'The word of the provider, in lower case.';
  `);
  await knex.raw(APPLY_RECEIPTS);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update participants set kind = 'alphanumeric' where kind = 'other';
    alter table participants drop constraint participants_kind_check,
      add constraint participants_kind_check check (kind in ('phone', 'short_code', 'alphanumeric', 'email'));
    delete from delivery_receipts where status not in ('queued', 'sent', 'delivered', 'undelivered', 'failed');
    alter table delivery_receipts add constraint delivery_receipts_status_check
      check (status in ('queued', 'sent', 'delivered', 'undelivered', 'failed'));
    comment on column delivery_receipts.status is null;
  `);
  await knex.raw(APPLY_RECEIPTS_BEFORE);
}

const APPLY_RECEIPTS = `
  -- Moves these messages to the status of their receipts. A status only moves forward, in whatever order the receipts
  -- come; of two final statuses the first stands. Any other word changes nothing. Only a message that was not delivered
  -- gets the error of its receipt: some providers send a code with every receipt.
  create or replace function apply_receipts(ids bigint[]) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update deliveries
    set status = best.status, updated_at = statement_timestamp(),
        error = case when best.status in ('undelivered', 'failed') then best.error end
    from (
      select distinct on (receipt.message_id) receipt.message_id, receipt.status, receipt.error
      from delivery_receipts as receipt
      -- Not the receipts of an earlier send, if the message was sent again.
      join deliveries as sent
        on sent.message_id = receipt.message_id and sent.provider_message_id = receipt.provider_message_id
      where receipt.message_id = any(ids)
        and receipt.status in ('queued', 'sent', 'delivered', 'undelivered', 'failed')
      order by receipt.message_id, status_rank(receipt.status) desc, receipt.id
    ) as best
    where deliveries.message_id = best.message_id and status_rank(best.status) > status_rank(deliveries.status);
  end $$;
`;

const APPLY_RECEIPTS_BEFORE = `
  -- Moves these messages to what their receipts say. A status only moves forward, in whatever order the receipts
  -- came; of two final ones the first stands.
  create or replace function apply_receipts(ids bigint[]) returns void
  language plpgsql set enable_seqscan = off as $$
  begin
    update deliveries set status = best.status, error = best.error, updated_at = statement_timestamp()
    from (
      select distinct on (receipt.message_id) receipt.message_id, receipt.status, receipt.error
      from delivery_receipts as receipt
      -- Not of what was sent before, where it was sent again.
      join deliveries as sent
        on sent.message_id = receipt.message_id and sent.provider_message_id = receipt.provider_message_id
      where receipt.message_id = any(ids)
      order by receipt.message_id, status_rank(receipt.status) desc, receipt.id
    ) as best
    where deliveries.message_id = best.message_id and status_rank(best.status) > status_rank(deliveries.status);
  end $$;
`;
