import { query } from './database.ts';

/**
 * Inserts `count` conversations of this address, each with one message and with a different customer. The phone numbers
 * of the customers start at `first`.
 *
 * @returns the id of the participant with this address.
 */
export async function fillConversations(
  url: string,
  address: string,
  count: number,
  first: number,
): Promise<number> {
  await query(
    url,
    `with own as (
       insert into participants (address, address_type) values ($1, 'phone') on conflict (address) do update set name = null returning id
     ), customer as (
       insert into participants (address, address_type) select '+1' || n, 'phone' from generate_series($3::bigint, $3::bigint + $2 - 1) as n
       on conflict (address) do update set name = null returning id
     ), made as (
       insert into conversations (channel, participant_ids, message_count)
       select 'sms', array[least(own.id, customer.id), greatest(own.id, customer.id)], 1 from own, customer order by customer.id
       returning id, participant_ids
     ), filled as (
       insert into conversation_participants select id, unnest(participant_ids) from made
     )
     insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
     select made.id, own.id, 'outbound', 'sms', $1, '{}', 'x', '{}', '{}', now() from made, own`,
    [address, count, first],
  );
  const [row] = await query<{ id: string }>(url, 'select id from participants where address = $1', [address]);
  return Number(row?.id);
}

/** Links two participants without regrouping, like a process that dies right after the commit of the link. */
export async function linkWithoutRegrouping(url: string, one: number, other: number): Promise<void> {
  await query(
    url,
    'insert into participant_links (participant_id, other_id) values (least($1::int, $2), greatest($1::int, $2))',
    [one, other],
  );
  await query(
    url,
    'update participants set person_id = least($1::int, $2) where id = greatest($1::int, $2)',
    [one, other],
  );
  await query(url, 'insert into pending_regroupings (participant_id) values (greatest($1::int, $2))', [
    one,
    other,
  ]);
}
